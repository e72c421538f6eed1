#!/usr/bin/env python3
# make_sweep.py KEY=VALUE...: what `ktax ab --sweep --json` would write, on standard output.
#
#   PATH=PPS         its highest rate without loss; PATH=PPS+ if the generator was too slow to tell more
#   PATH=none        it loses at the lowest rate too; PATH=skipped: it cannot run
#   bytes= (of frames) driver= (with it, on ports) hostname= release= (of the kernel) protocol= run=no (an older ktax)
import json, sys

given = dict(argument.split("=", 1) for argument in sys.argv[1:])
options = {"bytes": "106", "driver": "", "hostname": "box", "release": "6.1.0", "protocol": "tcp", "run": "yes"}
options.update({key: given.pop(key) for key in list(given) if key in options})
arms = []
for path, text in given.items():
    rate = None if text in ("none", "skipped") else float(text.rstrip("+"))
    points = [] if rate is None else [{"load": load, "rate_pps": load * rate, "p50_ns": 10000, "p99_ns": 20000, "why": "",
                                       "loss": 0.0, "blocks": 3} for load in (0.5, 1.0)]
    arms.append({"path": path, "skipped": text == "skipped", "why": "" if rate else text, "lossless_pps": rate,
                 "generator_limited": text.endswith("+"), "trials": 9, "knee_pps": rate, "points": points})
run = {
    "protocol": options["protocol"], "created": "2026-01-01T00:00:00Z",
    "host": {"hostname": options["hostname"], "kernel": options["release"], "arch": "x86_64", "cpus": 8, "cpu_model": "A CPU"},
    "link": {"kind": "ports" if options["driver"] else "test", "driver": options["driver"] or "veth"},
    "traffic": {"source": "synthetic", "sha256": None, "requests": 2000, "rate_pps": 20000.0, "gaps": "poisson", "flows": 16,
                "sizes": {"min_bytes": int(options["bytes"]), "mean_bytes": float(options["bytes"]),
                          "max_bytes": int(options["bytes"])}, "why": "made up"}}
json.dump({"schema": "ktax.sweep/1", "ktax_version": "0.1.0", **(run if options["run"] == "yes" else {}),
           "generator": "made up", "seconds": 1.0, "arms": arms}, sys.stdout, indent=1)
