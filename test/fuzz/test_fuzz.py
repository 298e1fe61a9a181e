"""A minute of libFuzzer for each reader of input that is not trusted, with ASan and UBSan, from the corpus that is kept here.

What a run finds is written to build/…/fuzz/crash-*. Fix it, then keep the input in the target's corpus: each run begins with all of it.
LATHE_FUZZ_SECONDS sets another time; `fuzz-import -merge=1 corpus/import NEW` takes over what a long run has learnt."""

import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / os.environ.get("LATHE_BUILD", "build/release")
SECONDS = int(os.environ.get("LATHE_FUZZ_SECONDS", "60"))
TARGETS = {"import": 8192, "ir": 4096, "manifest": 16384}  # and the longest input
OPTIONS = {"ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:allow_user_poisoning=0", "UBSAN_OPTIONS": "print_stacktrace=1"}


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """All targets at once, two processors permitting."""
    started = {}
    for target, longest in TARGETS.items():
        folder = tmp_path_factory.mktemp(target)
        found = BUILD / "fuzz"
        found.mkdir(exist_ok=True)
        (folder / "new").mkdir()
        command = [BUILD / "bin" / f"fuzz-{target}", f"-max_total_time={SECONDS}", f"-max_len={longest}", "-timeout=10", "-rss_limit_mb=2048", "-seed=1",
                   f"-artifact_prefix={found}/{target}-", "-print_final_stats=1", folder / "new", HERE / "corpus" / target]
        log = open(folder / "log", "w+")
        started[target] = (subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env={**os.environ, **OPTIONS, "TMPDIR": str(folder)}), log)
    yield started
    for process, log in started.values():
        process.kill()
        process.wait()
        log.close()


@pytest.mark.parametrize("target", TARGETS)
def test_a_minute_without_a_crash(runs, target):
    process, log = runs[target]
    code = process.wait(timeout=SECONDS + 240)
    log.seek(0)
    text = log.read()
    assert code == 0, text[-4000:]
    executed = [int(line.split()[-1]) for line in text.splitlines() if "number_of_executed_units" in line]
    assert executed and executed[0] > len(list((HERE / "corpus" / target).iterdir())), text[-2000:]
