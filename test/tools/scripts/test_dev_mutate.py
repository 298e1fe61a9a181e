"""The mutation driver on a project in miniature: it tells killed faults from those that survive, do not apply or do not build."""

import shutil
import sys
from pathlib import Path

import dev_mutate
import pytest

ROOT = Path(__file__).resolve().parents[3]
PRESETS = '{"version": 6, "configurePresets": [{"name": "release", "generator": "Ninja", "binaryDir": "${sourceDir}/build/release"}]}'
# "Building" is a grep that must find the word `compiles`; the test is one that must find `two`.
CMAKE = """cmake_minimum_required(VERSION 3.25)
project(p LANGUAGES NONE)
enable_testing()
add_custom_target(build ALL COMMAND grep -q compiles ${PROJECT_SOURCE_DIR}/runtime/a.txt)
add_test(NAME two COMMAND grep -q two ${PROJECT_SOURCE_DIR}/runtime/a.txt)
"""
SOURCE = "one\ntwo\nthree\nthree\ncompiles\n"


def entry(name, old, new):
    return f'[[mutation]]\nname = "{name}"\nfile = "runtime/a.txt"\nold = "{old}"\nnew = "{new}"\nbreaks = "x"\ntests = ["unit"]\n'


@pytest.fixture
def project(tmp_path, monkeypatch):
    for path, text in {"CMakeLists.txt": CMAKE, "CMakePresets.json": PRESETS, "runtime/a.txt": SOURCE}.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "tools" / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "scripts" / "dev_test.py", tmp_path / "tools" / "scripts")
    (tmp_path / "build" / "zoo").mkdir(parents=True)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    monkeypatch.setattr(dev_mutate, "ROOT", tmp_path)
    monkeypatch.setattr(dev_mutate, "COPY", tmp_path / "build" / "mutate" / "tree")
    monkeypatch.setattr(dev_mutate, "TABLE", tmp_path / "mutations.toml")
    return tmp_path


def mutate(monkeypatch, capfd, *names):
    monkeypatch.setattr(sys, "argv", ["dev_mutate.py", *names])
    status = dev_mutate.main()
    return status, capfd.readouterr().out.strip().splitlines()


def test_each_outcome(project, monkeypatch, capfd):
    (project / "mutations.toml").write_text(entry("dies", "two", "2") + entry("lives", "one", "1") + entry("twice", "three", "3") +
                                            entry("nowhere", "four", "4") + entry("breaks", "compiles", "does not"))
    status, lines = mutate(monkeypatch, capfd)
    assert status == 1
    assert [line for line in lines if line.startswith("FAILED")] == [
        "FAILED: lives: SURVIVED", "FAILED: twice: does not apply: its text occurs 2 times in runtime/a.txt",
        "FAILED: nowhere: does not apply: its text occurs 0 times in runtime/a.txt", "FAILED: breaks: does not build"]
    assert lines[-1] == "1 killed, 4 not"
    assert (project / "runtime" / "a.txt").read_text() == SOURCE
    assert (dev_mutate.COPY / "runtime" / "a.txt").read_text() == SOURCE


def test_all_killed(project, monkeypatch, capfd):
    (project / "mutations.toml").write_text(entry("dies", "two", "2") + entry("lives", "one", "1"))
    status, lines = mutate(monkeypatch, capfd, "dies")
    assert (status, lines[-1]) == (0, "1 killed, 0 not")


def test_tests_that_fail_without_a_fault_prove_nothing(project, monkeypatch, capfd):
    (project / "mutations.toml").write_text(entry("dies", "one", "1"))
    (project / "runtime" / "a.txt").write_text("one\ncompiles\n")
    with pytest.raises(SystemExit, match="fails without a fault"):
        mutate(monkeypatch, capfd)


def test_the_table_is_well_formed_and_applies():
    """Each fault of the real table still finds its line: a moved line shows here, long before ./dev mutate is run."""
    for mutation in dev_mutate.load():
        text = (ROOT / mutation["file"]).read_text()
        assert text.count(mutation["old"]) == 1, f"{mutation['name']}: its text occurs {text.count(mutation['old'])} times in {mutation['file']}"
        assert mutation["old"] != mutation["new"] and mutation["tests"]
