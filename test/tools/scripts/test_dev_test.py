"""The runner behind ./dev test counts what it should, and never turns a suite that could not run into silence."""

import os
import stat
import subprocess
import sys

import dev_test
import pytest

GTEST_XML = """<?xml version="1.0"?><testsuites><testsuite name="S">
<testcase name="good" status="run" classname="S"/><testcase name="also" status="run" classname="S"/>
<testcase name="DISABLED_x" status="notrun" classname="S"/>
<testcase name="skips" status="run" classname="S"><skipped message="here.cpp:1&#x0A;no such CPU"/></testcase>
{extra}</testsuite></testsuites>"""
FAILURE = '<testcase name="bad" status="run" classname="S"><failure message="1 is not 2&#x0A;more"/></testcase>'


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setattr(dev_test, "BUILD", tmp_path / "build")
    monkeypatch.setattr(dev_test, "RESULTS", tmp_path / "results")
    for name in ("build", "results"):
        (tmp_path / name).mkdir()
    for name in [name for name in os.environ if name.startswith(("PYTEST", "LATHE"))]:
        monkeypatch.delenv(name)


def fake_gtest(path, xml, status):
    """A program that reports like a googletest binary."""
    path.write_text(f"#!/bin/sh\ncat > \"${{GTEST_OUTPUT#xml:}}{path.name}.xml\" <<'END'\n{xml}\nEND\nexit {status}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def ctest_project(tmp_path, tests):
    (tmp_path / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(p LANGUAGES NONE)\nenable_testing()\n" + tests)
    subprocess.run(["cmake", "-G", "Ninja", "-S", tmp_path, "-B", tmp_path / "build"], check=True, capture_output=True)


def test_unit_counts_cases_not_binaries(tmp_path):
    good = fake_gtest(tmp_path / "GoodTest", GTEST_XML.format(extra=""), 0)
    bad = fake_gtest(tmp_path / "BadTest", GTEST_XML.format(extra=FAILURE), 1)
    crash = fake_gtest(tmp_path / "CrashTest", GTEST_XML.format(extra=""), 3)
    ctest_project(tmp_path, f"add_test(NAME good COMMAND {good})\nadd_test(NAME bad COMMAND {bad})\nadd_test(NAME crash COMMAND {crash})\n"
                            "add_test(NAME plain COMMAND true)\nadd_test(NAME wrong COMMAND false)\n"
                            "add_test(NAME skip COMMAND sh -c \"echo no device; exit 77\")\nset_tests_properties(skip PROPERTIES SKIP_RETURN_CODE 77)\n")
    tally = dev_test.Tally()
    dev_test.unit(tally)
    assert tally.passed == 3 * 2 + 1
    assert sorted(tally.failed) == ["unit: bad: S.bad: 1 is not 2", "unit: crash: the process failed after its cases had passed", "unit: wrong"]
    assert len(tally.skipped) == 7 and "unit: skip: no device" in tally.skipped and "unit: good: S.skips: no such CPU" in tally.skipped


def test_a_binary_that_dies_before_it_reports_fails(tmp_path):
    program = tmp_path / "DeadTest"
    program.write_text("#!/bin/sh\nkill -SEGV $$\n")
    program.chmod(0o755)
    ctest_project(tmp_path, f"add_test(NAME dead COMMAND {program})\n")
    tally = dev_test.Tally()
    dev_test.unit(tally)
    assert (tally.passed, tally.failed) == (0, ["unit: dead"])


def test_no_unit_tests_is_a_failure(tmp_path):
    ctest_project(tmp_path, "")
    tally = dev_test.Tally()
    dev_test.unit(tally)
    assert tally.passed == 0 and len(tally.failed) == 1


def test_lit_counts_and_says_why_it_skipped(tmp_path, monkeypatch):
    suite = tmp_path / "test"
    suite.mkdir()
    monkeypatch.setattr(dev_test, "ROOT", tmp_path)
    (suite / "lit.cfg.py").write_text("import lit.formats\nconfig.name = 'Lathe'\nconfig.test_format = lit.formats.ShTest()\nconfig.suffixes = ['.test']\n")
    (suite / "good.test").write_text("# RUN: true\n")
    (suite / "bad.test").write_text("# RUN: false\n")
    (suite / "empty.test").write_text("nothing\n")
    (suite / "else.test").write_text("# REQUIRES: other-machine\n# RUN: false\n")
    tally = dev_test.Tally()
    dev_test.lit(tally)
    assert tally.passed == 1
    assert sorted(tally.failed) == ["lit: bad.test: FAIL", "lit: empty.test: UNRESOLVED"]
    assert tally.skipped == ["lit: else.test: REQUIRES: other-machine"]


def test_lit_without_tests_is_a_failure(tmp_path):
    tally = dev_test.Tally()
    dev_test.lit(tally, [str(tmp_path)])
    assert tally.passed == 0 and len(tally.failed) == 1


def test_pytest_counts(tmp_path):
    (tmp_path / "test_x.py").write_text("import pytest\ndef test_a(): pass\ndef test_b(): assert 1 == 2\n"
                                        "def test_c(): pytest.skip('no device')\ndef test_d(missing): pass\n")
    tally = dev_test.Tally()
    dev_test.pytest(tally, "e2e", [str(tmp_path)])
    assert tally.passed == 1
    assert [line.split(":: ")[0].split("::")[1].split(":")[0] for line in tally.failed] == ["test_b", "test_d"]
    assert len(tally.skipped) == 1 and "no device" in tally.skipped[0]


def test_pytest_runs_only_the_files_that_are_named(tmp_path):
    for name in ("test_x.py", "test_y.py"):
        (tmp_path / name).write_text("def test_a(): pass\n")
    tally = dev_test.Tally()
    dev_test.pytest(tally, "e2e", [str(tmp_path)], [f"{tmp_path / 'test_y.py'}::test_a"])
    assert tally.passed == 1 and not tally.failed


def test_a_test_file_that_does_not_import_is_a_failure(tmp_path):
    (tmp_path / "test_x.py").write_text("import no_such_module\n")
    tally = dev_test.Tally()
    dev_test.pytest(tally, "e2e", [str(tmp_path)])
    assert tally.passed == 0 and tally.failed


def run_main(tmp_path, monkeypatch, capfd, *arguments):
    monkeypatch.setattr(sys, "argv", ["dev_test.py", *arguments])
    status = dev_test.main()
    return status, capfd.readouterr().out.strip().splitlines()


def test_a_build_that_fails_fails_the_run(tmp_path, monkeypatch, capfd):
    status, lines = run_main(tmp_path, monkeypatch, capfd, "lit")
    assert status == 1 and lines[-1] == "0 passed, 1 failed"


def test_a_configuration_that_fails_fails_the_run(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("LATHE_CONFIGURE_STATUS", "1")
    status, lines = run_main(tmp_path, monkeypatch, capfd, "e2e")
    assert status == 1 and lines[-1] == "0 passed, 1 failed"
