#!/usr/bin/env python3
# make_ab.py KEY=VALUE...: what `ktax ab --json` would write of made-up blocks, on standard output.
#
#   PATH=NS          round trip at p50 of a path, as in kernel-spin=12000; p99 is half as much again
#   PATH=NS/NS       p50 and p99
#   lost=PATH        its loss breaks every limit
#   unequal=PATH     the gates rejected it unequally
#   spread= rounds= rate= bytes= (of frames) driver= (with it, on ports) hostname= kernel=
#   verdict= created= (RFC 3339) protocol= polling=PATH,...
import datetime, json, random, sys

given = dict(argument.split("=", 1) for argument in sys.argv[1:])
options = {"spread": "0.02", "rounds": "20", "rate": "2000", "bytes": "106", "hostname": "box", "kernel": "6.1.0",
           "verdict": "better", "lost": "", "unequal": "", "driver": "", "protocol": "tcp",
           "created": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")}
options.update({key: given.pop(key) for key in list(given) if key in options})
rounds, spread = int(options["rounds"]), float(options["spread"])
draw = random.Random(4711)
paths = {"kernel": "40000", **given}


def blocks(text):
    p50, _, p99 = text.partition("/")
    p50 = float(p50)
    p99 = float(p99 or 1.5 * p50)
    noise = lambda: 1 + spread * (2 * draw.random() - 1)
    return {"valid": [True] * rounds, "p50_ns": [round(p50 * noise()) for _ in range(rounds)],
            "p99_ns": [round(p99 * noise()) for _ in range(rounds)], "p999_ns": [None] * rounds}


def middle(values):
    return sorted(values)[len(values) // 2]


arms, comparisons = [], []
for path, text in paths.items():
    measured = blocks(text)
    polls = path not in ("kernel", "kernel-busypoll", "xdp")
    arms.append({
        "path": path, "summary": "", "how": "", "baseline": path == "kernel", "skipped": False, "enters_kernel": True,
        "answers_in_kernel": path == "xdp", "p50_ns": middle(measured["p50_ns"]), "p90_ns": middle(measured["p50_ns"]),
        "p99_ns": middle(measured["p99_ns"]), "p999_ns": None, "requests": 40000, "sent": 40000, "received": 40000,
        "lost": {"generator": 0, "nic": 0, "ring": 0, "socket": 0, "responder": 0},
        "cpu_ns_per_request": {"responder": 40000 if polls else 12000, "kernel": 2000 if polls else 8000},
        "cores_polling": int(polls), "hlog": None, "verdict": None, "reason": None, "why": "p999: short blocks",
        "blocks": measured})
    if path == "kernel":
        continue
    lost = 0.05 if path == options["lost"] else 0
    for metric, change in (("p50", -0.5), ("p99", -0.5), ("loss", lost), ("cpu", 0.2)):
        comparisons.append({"baseline": "kernel", "path": path, "metric": metric, "change": change,
                            "ci": [change, change], "confidence": 0.95, "n": rounds, "verdict": "better"})
json.dump({
    "schema": "ktax.ab/1", "ktax_version": "0.1.0", "created": options["created"] or None,
    "host": {"hostname": options["hostname"], "kernel": options["kernel"], "arch": "x86_64", "cpus": 8, "cpu_model": "A CPU"},
    "link": {"kind": "ports" if options["driver"] else "test", "driver": options["driver"] or "veth"},
    "traffic": {"source": "synthetic", "sha256": None, "requests": 2000, "rate_pps": float(options["rate"]), "gaps": "poisson",
                "flows": 16, "sizes": {"min_bytes": int(options["bytes"]), "mean_bytes": float(options["bytes"]),
                                       "max_bytes": int(options["bytes"])}, "why": "made up"},
    "design": {"pairs": rounds, "block_requests": 2000, "order_seed": "1", "confidence": 0.95, "protocol": options["protocol"],
               "generator": "made up", "lateness_p50_ns": 1, "lateness_p99_ns": 2, "seconds": 1.0},
    "policy": {"metric": "p99", "margin": 0.1, "need": 0.2, "loss_limit": 0.0001, "cpu_limit": None, "why": "none"},
    "verdict": options["verdict"], "reason": "made up", "arms": arms,
    "aa": {metric: {"ci": None, "floor": None, "n": 0, "judged": False, "why": "made up"}
           for metric in ("p50", "p90", "p99", "p999", "loss", "cpu")},
    "comparisons": comparisons,
    "validity": {"gates": [], "rejected": {}, "unequal": [options["unequal"]] if options["unequal"] else []},
    "exit": 0}, sys.stdout, indent=1)
