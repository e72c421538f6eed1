#!/usr/bin/env python3
# hostile.py KTAX MAKE_RECORDING_OF: `ktax decide` on files that nobody vouches for. Whatever they are,
# it ends by itself with 0 to 4; with 1 and 2 it says one sentence. ctest runs it in every build, so
# also where the compiler's sanitizers watch.
import concurrent.futures, copy, json, os, random, shutil, sqlite3, subprocess, sys, tempfile

ktax, make_recording_of = map(os.path.abspath, sys.argv[1:3])
here = os.path.dirname(os.path.abspath(__file__))
draw = random.Random(4711)
failed = False
STRANGE = [None, True, -1, 0, 1.5, 1e308, -1e308, 2**63 - 1, -2**63, "", "a" * 5000, "\x1b[31m\n\u202e", [], {}, [[]], [None]]


def run(name, *arguments):
    """What is wrong with how it ended, or None."""
    try:
        ended = subprocess.run([ktax, "decide", *arguments], capture_output=True, timeout=60)
    except subprocess.TimeoutExpired:
        return f"{name}: it does not end"
    said = ended.stderr.decode(errors="replace")
    if "Sanitizer" in said or "runtime error" in said:
        return f"{name}: {said[:800]}"
    if ended.returncode not in (0, 1, 2, 3, 4):
        return f"{name}: exit {ended.returncode}: {said[:200]}"
    if ended.returncode in (1, 2) and (said.count("\n") != 1 or not said.startswith("ktax")):
        return f"{name}: no sentence: {said[:200]!r}"
    if any(ord(byte) < 32 and byte != "\n" for byte in said):
        return f"{name}: control characters: {said[:200]!r}"
    return None


def check(sentence, cases):
    """cases: (name, arguments)"""
    global failed
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        wrong = [found for found in pool.map(lambda case: run(case[0], *case[1]), cases) if found]
    print(f"not ok - {sentence} # {len(wrong)} of {len(cases)}" if wrong else f"ok - {sentence} # {len(cases)} files")
    for found in wrong[:5]:
        print("# " + found.replace("\n", "\n# "), file=sys.stderr)
    failed |= bool(wrong)


def write(name, content):
    with open(name, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode(errors="surrogatepass"))
    return name


def places(value, path=()):
    """Every key and index of a document, in one list per array."""
    items = value.items() if isinstance(value, dict) else list(enumerate(value))[:2] if isinstance(value, list) else ()
    for key, inner in items:
        yield path + (key,)
        yield from places(inner, path + (key,))


def mutations(document, n):
    """Copies with one value that is strange, or gone."""
    everywhere = list(places(document))
    for _ in range(n):
        made, path = copy.deepcopy(document), draw.choice(everywhere)
        holder = made
        for key in path[:-1]:
            holder = holder[key]
        if draw.random() < 0.2:
            del holder[path[-1]]
        else:
            holder[path[-1]] = draw.choice(STRANGE)
        yield json.dumps(made)


def damaged(content, n):
    """Flipped bits, and cut off."""
    for _ in range(n):
        made = bytearray(content)
        if draw.random() < 0.3:
            yield bytes(made[:draw.randrange(len(made))])
            continue
        for _ in range(draw.choice((1, 8, 64))):
            made[draw.randrange(len(made))] ^= 1 << draw.randrange(8)
        yield bytes(made)


TEXTS = ["", "{", "[", "null", "0", '"', "[]", "{}", "[" * 100000, '{"a":' * 50000, '{"rows":[{}]}', '[{"check":1}]', "\x00\x01",
         '{"schema":"ktax.doctor/1"}', '{"schema":"ktax.doctor/1","checks":[null]}', '{"schema":"ktax.features/1","rows":7}']


def with_sql(name, *statements):
    shutil.copy("good.ktax", name)
    database = sqlite3.connect(name)
    for statement in statements:
        try:
            database.execute(*statement)
        except sqlite3.Error:
            pass
    database.commit()
    database.close()
    return name


def columns():
    database = sqlite3.connect("good.ktax")
    tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = [(table, row[1]) for table in tables for row in database.execute(f'PRAGMA table_info("{table}")')]
    database.close()
    return found


def made_up(script, *arguments):
    return subprocess.run([sys.executable, os.path.join(here, script), *arguments], check=True, capture_output=True).stdout


def main():
    # Of the second one there are intervals and predictions, which take time.
    for name, seconds in (("good.ktax", 3), ("deep.ktax", 8)):
        subprocess.run([make_recording_of, name, "wakeup=300", "kernel_rx=14000", "copy_rx=5000", "kernel_tx=14000",
                        "app=3000", f"seconds={seconds}", "rate=150"], check=True)
    ab = json.loads(made_up("make_ab.py", "kernel-spin=36000", "af_xdp=8000", "rate=150"))
    sweep = json.loads(made_up("make_sweep.py", "kernel=90000", "af_xdp=50000"))
    write("ab.json", json.dumps(ab))
    policy = open(os.path.join(here, "../../samples/policy.ini"), "rb").read()
    made_up("make_capture.py", "good.pcap", "seconds=2")
    assert run("good", "good.ktax", "ab.json") is None
    assert subprocess.run([ktax, "decide", "deep.ktax", "ab.json"], capture_output=True).returncode == 0

    good = open("good.ktax", "rb").read()
    check("A recording with flipped bits, or cut off",
          [(f"flips {i}", (write(f"flips{i}.ktax", text), "ab.json")) for i, text in enumerate(damaged(good, 40))])
    values = [None, -1, 2**63 - 1, -2**63, 1e300, "text", "\x1b[31m\n", b"", b"\xff" * 64, b"\0" * 100000]
    cases = []
    for i, (table, column) in enumerate(columns()):
        for value in draw.sample(values, 2):
            name = with_sql(f"sql{len(cases)}.ktax", (f'UPDATE "{table}" SET "{column}" = ?', (value,)))
            cases.append((f"{table}.{column} = {value!r:.30}", (name, "ab.json")))
    check("A recording with a column of something else", cases)
    cases = []
    for key in ("readiness", "features", "nics", "hostname", "command"):
        for text in TEXTS:
            name = with_sql(f"meta{len(cases)}.ktax", ("DELETE FROM meta WHERE key = ?", (key,)),
                            ("INSERT INTO meta (key, value) VALUES (?, ?)", (key, text)))
            cases.append((f"meta {key} {text[:20]!r}", (name, "ab.json")))
    check("A recording with hostile JSON in its meta data", cases)
    check("A result of ktax ab with a strange value",
          [(text[:60], ("deep.ktax", write(f"ab{i}.json", text))) for i, text in enumerate(mutations(ab, 60))])
    check("What is hardly JSON",
          [(text[:20], ("good.ktax", write(f"text{i}.json", text))) for i, text in enumerate(TEXTS)])
    check("A sweep with a strange value",
          [(text[:60], ("deep.ktax", "ab.json", "--sweep", write(f"sweep{i}.json", text)))
           for i, text in enumerate(mutations(sweep, 20))])
    check("A policy that was damaged",
          [(f"policy {i}", ("good.ktax", "ab.json", "--policy", write(f"policy{i}.ini", text)))
           for i, text in enumerate(damaged(policy, 40))])
    check("A capture that was damaged",
          [(f"capture {i}", ("good.ktax", "--trace", write(f"capture{i}.pcap", text)))
           for i, text in enumerate(damaged(open("good.pcap", "rb").read(), 40))])


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    main()
    os.chdir("/")
sys.exit(failed)
