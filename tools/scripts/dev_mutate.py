"""./dev mutate: plants the faults of test/mutation/mutations.toml, one at a time, in a copy of the tree; each must make a test fail.

Usage: dev_mutate.py [--list] [NAME…]     exit 1 if a fault survives, does not apply or does not build

The copy is build/mutate/tree with a build folder of its own, so that only what a fault touches is built again. Before the faults, the tests that are
to find them must pass on the copy as it is."""

import argparse
import os
import shlex
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from check_style import FOLDERS

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / "build" / "mutate" / "tree"
TABLE = ROOT / "test" / "mutation" / "mutations.toml"
TOP_LEVEL = ("CMakeLists.txt", "CMakePresets.json", ".clang-format", "dev", "cmake", "docs", *FOLDERS)
FIELDS = {"name", "file", "old", "new", "breaks", "tests"}


def say(text):
    print(f"\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"== {text}", flush=True)


def load():
    with open(TABLE, "rb") as file:
        table = tomllib.load(file).get("mutation", [])
    for entry in table:
        if set(entry) != FIELDS:
            sys.exit(f"mutate: {TABLE.name}: '{entry.get('name', '?')}' has the fields {sorted(entry)}, expected {sorted(FIELDS)}")
    names = [entry["name"] for entry in table]
    if len(set(names)) != len(names):
        sys.exit(f"mutate: {TABLE.name}: a name occurs twice")
    return table


def synchronise():
    """Makes the copy equal to the tree; files that are equal already keep their time, so that nothing is built for them."""
    wanted = set()
    for top in TOP_LEVEL:
        for source in [ROOT / top] if (ROOT / top).is_file() else sorted((ROOT / top).rglob("*")):
            if source.is_file() and "__pycache__" not in source.parts:
                target = COPY / source.relative_to(ROOT)
                wanted.add(target)
                write(target, source.read_bytes())
                target.chmod(source.stat().st_mode)
    for top in TOP_LEVEL:
        for target in (COPY / top).rglob("*") if (COPY / top).is_dir() else []:
            if target.is_file() and target not in wanted and "__pycache__" not in target.parts:
                target.unlink()
    for name in (".venv", "build/zoo"):
        link = COPY / name
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(ROOT / name)


def write(path, data):
    if path.is_file() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def run(command, log):
    environment = {**os.environ, "CCACHE_BASEDIR": str(COPY), "LATHE_BUILD": "build/release",
                   "PYTHONPATH": f"{COPY / 'tools' / 'python'}{os.pathsep}{COPY / 'tools' / 'scripts'}"}
    with open(log, "ab") as file:
        file.write(f"$ {' '.join(map(str, command))}\n".encode())
        file.flush()
        return subprocess.run([str(word) for word in command], cwd=COPY, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment).returncode == 0


def build(log):
    return run(["cmake", "--build", "build/release"], log)


def test(selection, log):
    """One `./dev test` line in the copy: "lit test/passes/nn", "e2e test/e2e/test_ops.py -k conv"."""
    words = shlex.split(selection)
    if words[0] == "e2e":
        words.insert(1, "-x")
    return run([COPY / ".venv" / "bin" / "python", "tools/scripts/dev_test.py", *words], log)


def plant(entry, log):
    """Returns what became of the fault: 'killed by …', or a reason to fail."""
    path = COPY / entry["file"]
    if not path.is_file():
        return "does not apply: no such file"
    text = path.read_text()
    if (count := text.count(entry["old"])) != 1:
        return f"does not apply: its text occurs {count} times in {entry['file']}"
    path.write_text(text.replace(entry["old"], entry["new"]))
    try:
        if not build(log):
            return "does not build"
        for selection in entry["tests"]:
            if not test(selection, log):
                return f"killed by {selection}"
        return "SURVIVED"
    finally:
        path.write_text(text)


def main():
    parser = argparse.ArgumentParser(prog="./dev mutate", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true", help="only list the faults")
    arguments = parser.parse_args()
    table = load()
    for name in arguments.names:
        if name not in {entry["name"] for entry in table}:
            sys.exit(f"mutate: no mutation '{name}' in {TABLE.relative_to(ROOT)}")
    chosen = [entry for entry in table if not arguments.names or entry["name"] in arguments.names]
    if arguments.list:
        for entry in chosen:
            print(f"{entry['name']}: {entry['file']}: {entry['breaks']}")
        return 0
    say(f"copying the tree and building it in {COPY.relative_to(ROOT)}")
    synchronise()
    log = COPY.parent / "log.txt"
    log.unlink(missing_ok=True)
    proto = next((ROOT / ".venv" / "lib").glob("python3*/site-packages/onnx/onnx-ml.proto"))
    if not run(["cmake", "--preset", "release", f"-DLATHE_ONNX_PROTO:FILEPATH={proto}", f"-DLATHE_PYTHON:FILEPATH={ROOT / '.venv/bin/python'}"], log) or \
            not build(log):
        sys.exit(f"mutate: the tree does not build; see {log.relative_to(ROOT)}")
    for selection in dict.fromkeys(selection for entry in chosen for selection in entry["tests"]):
        say(f"without a fault: {selection}")
        if not test(selection, log):
            sys.exit(f"mutate: '{selection}' fails without a fault, so it proves nothing; see {log.relative_to(ROOT)}")
    bad = []
    for index, entry in enumerate(chosen, 1):
        start = time.monotonic()
        print(f"[{index}/{len(chosen)}] {entry['name']}: {entry['breaks']} ... ", end="", flush=True)
        outcome = plant(entry, log)
        print(f"{outcome} ({time.monotonic() - start:.0f} s)", flush=True)
        if not outcome.startswith("killed"):
            bad.append(f"{entry['name']}: {outcome}")
    for line in bad:
        print(f"FAILED: {line}")
    print(f"{len(chosen) - len(bad)} killed, {len(bad)} not")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
