"""./dev test: runs the suites, counts every case, lists what was skipped and why; the last line is `N passed, N failed`.

Usage: dev_test.py [--full] [SUITE [ARGUMENT…]]     SUITE: style, unit, lit, e2e, conformance, fuzz; the arguments go to ctest, lit or pytest. Without a
suite: all. --full: also what needs several GB."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("LATHE_BUILD", "build/release")
RESULTS = BUILD / "test-results"
LLVM_BIN = Path("/usr/lib/llvm-22/bin")
PARALLEL = str(os.cpu_count() or 1)


class Tally:
    """What has been counted so far. A suite that could not run at all is one failure, never silence."""

    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], []

    def fail(self, name, reason=""):
        self.failed.append(f"{name}: {reason}" if reason else name)


def say(text):
    print(f"\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"== {text}", flush=True)


def run(command, **keywords):
    return subprocess.run([str(word) for word in command], cwd=ROOT, stdin=subprocess.DEVNULL, **keywords).returncode


def build(tally):
    """Everything, so that a test never runs against yesterday's binaries."""
    say("build")
    if os.environ.get("LATHE_CONFIGURE_STATUS", "0") != "0":
        tally.fail("configure", "cmake failed, see above")
    elif run(["cmake", "--build", BUILD]) != 0:
        tally.fail("build", "see above")
    else:
        return True
    return False


def pytest(tally, suite, folders, arguments=()):
    say(suite)
    report = RESULTS / f"{suite}.xml"
    report.unlink(missing_ok=True)
    if any(".py" in word and (ROOT / word.split("::")[0]).exists() for word in arguments):
        folders = []  # the arguments say which files
    status = run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-ra", "--tb=short", f"--junitxml={report}",
                  f"--basetemp={RESULTS / suite}", *folders, *arguments], env={**os.environ, "COLUMNS": "160"})
    if not report.exists():
        return tally.fail(suite, f"pytest ended with {status} and no report")
    count = 0
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        count += 1
        name = f"{suite}: {case.get('classname')}::{case.get('name')}"
        if (bad := case.find("failure") if case.find("failure") is not None else case.find("error")) is not None:
            tally.fail(name, (bad.get("message") or "").splitlines()[0] if bad.get("message") else "")
        elif (skip := case.find("skipped")) is not None:
            tally.skipped.append(f"{name}: {skip.get('message')}")
        else:
            tally.passed += 1
    if status not in (0, 1) or not count:
        tally.fail(suite, f"pytest ended with {status} after {count} cases")


def unit(tally, arguments=()):
    """ctest; a binary of googletest counts as many cases as it has."""
    say("unit")
    cases = RESULTS / "gtest"
    shutil.rmtree(cases, ignore_errors=True)
    cases.mkdir(parents=True)
    report = RESULTS / "ctest.xml"
    report.unlink(missing_ok=True)
    status = run(["ctest", "--test-dir", BUILD, "--output-on-failure", "-j", PARALLEL, "--output-junit", report, "--no-tests=error", *arguments],
                 env={**os.environ, "GTEST_OUTPUT": f"xml:{cases}/"})
    if not report.exists():
        return tally.fail("unit", f"ctest ended with {status} and no report")
    listing = subprocess.run(["ctest", "--test-dir", BUILD, "--show-only=json-v1"], capture_output=True, text=True).stdout
    commands = {test["name"]: test.get("command", []) for test in json.loads(listing)["tests"]}
    before = len(tally.failed)
    for test in ElementTree.parse(report).getroot().iter("testcase"):
        name, state = test.get("name"), test.get("status")
        command = commands.get(name, [])
        whole = cases / f"{Path(command[0]).name}.xml" if command else None
        # A binary that was run whole has told its cases itself; one that gtest_discover_tests runs case by case is counted by ctest.
        if whole and whole.exists() and not any(word.startswith("--gtest_filter") for word in command):
            gtest(tally, name, whole)
            if state == "fail" and len(tally.failed) == before:
                tally.fail(f"unit: {name}", "the process failed after its cases had passed")
        elif state == "run":
            tally.passed += 1
        elif state == "fail":
            tally.fail(f"unit: {name}")
        else:
            tally.skipped.append(f"unit: {name}: {(test.findtext('system-out') or state).strip().splitlines()[-1]}")
        before = len(tally.failed)
    if status != 0 and not any(line.startswith("unit") for line in tally.failed):
        tally.fail("unit", f"ctest ended with {status}")


def gtest(tally, binary, path):
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"unit: {binary}: {case.get('classname')}.{case.get('name')}"
        if case.find("failure") is not None:
            tally.fail(name, (case.find("failure").get("message") or "").splitlines()[0])
        elif case.find("skipped") is not None:
            tally.skipped.append(f"{name}: {(case.find('skipped').get('message') or 'skipped').splitlines()[-1]}")
        elif case.get("status") == "notrun":
            tally.skipped.append(f"{name}: disabled")
        else:
            tally.passed += 1


def lit(tally, arguments=()):
    """lit, with each input of lathe-opt also making the round trip through text and bytecode."""
    say("lit")
    report = RESULTS / "lit.json"
    report.unlink(missing_ok=True)
    paths = list(arguments) or [ROOT / "test"]
    status = run([LLVM_BIN / "lit", "-v", "-j", PARALLEL, "-o", report, *paths],
                 env={**os.environ, "LATHE_LIT_ROUNDTRIP": os.environ.get("LATHE_LIT_ROUNDTRIP", "1"), "LATHE_BUILD": str(BUILD)})
    if not report.exists():
        return tally.fail("lit", f"lit ended with {status} and no report")
    tests = json.loads(report.read_text())["tests"]
    for test in tests:
        name = test["name"].removeprefix("Lathe :: ")
        if test["code"] in ("PASS", "XFAIL", "FLAKYPASS"):
            tally.passed += 1
        elif test["code"] in ("UNSUPPORTED", "SKIPPED", "EXCLUDED"):
            tally.skipped.append(f"lit: {name}: {needs(ROOT / 'test' / name)}")
        else:
            tally.fail(f"lit: {name}", test["code"])
    if not tests or (status != 0 and not any(line.startswith("lit") for line in tally.failed)):
        tally.fail("lit", f"lit ended with {status} after {len(tests)} tests")


def needs(path):
    lines = re.findall(r"(?:REQUIRES|UNSUPPORTED):.*", path.read_text()) if path.exists() else []
    return "; ".join(line.strip() for line in lines) or "unsupported here"


SUITES = {
    "style": lambda tally, arguments: pytest(tally, "style", ["test/tools/scripts"], arguments),
    "unit": unit,
    "lit": lit,
    "e2e": lambda tally, arguments: pytest(tally, "e2e", ["test/e2e"], arguments),
    "conformance": lambda tally, arguments: pytest(tally, "conformance", ["test/conformance"], arguments),
    "fuzz": lambda tally, arguments: pytest(tally, "fuzz", ["test/fuzz"], arguments),
}


def main():
    words = sys.argv[1:]
    if "--full" in words:
        words.remove("--full")
        os.environ["LATHE_FULL"] = "1"
    suite, arguments = (words[0], words[1:]) if words else (None, [])
    if suite is not None and suite not in SUITES:
        print(f"dev test: unknown suite '{suite}', expected one of: {', '.join(SUITES)}", file=sys.stderr)
        return 1
    start, tally = time.monotonic(), Tally()
    RESULTS.mkdir(parents=True, exist_ok=True)
    if suite in (None, "style"):
        SUITES["style"](tally, arguments if suite else [])
    if suite != "style" and build(tally):
        for name in [suite] if suite else ["unit", "lit", "e2e", "conformance", "fuzz"]:
            SUITES[name](tally, arguments)
    say(f"result after {time.monotonic() - start:.0f} s")
    for line in tally.skipped:
        print(f"skipped: {line}")
    for line in tally.failed:
        print(f"FAILED: {line}")
    print(f"{tally.passed} passed, {len(tally.failed)} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
