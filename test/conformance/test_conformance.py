"""The onnx package's backend suite, case by case. What is expected to fail stands in expected_failures.tsv with its reason; what passes unexpectedly fails here."""

import pytest
import report
import suite


@pytest.fixture(scope="session")
def results():
    return suite.run(list(suite.cases()))


@pytest.fixture(scope="session")
def expected():
    return report.read_side_table()


@pytest.mark.parametrize("name", sorted(suite.cases()))
def test_case(name, results, expected):
    result = results[name]
    if result.outcome == "skipped":
        pytest.skip(result.detail)
    outcome, reason = expected.get(name, ("passed", ""))
    assert result.outcome == outcome, f"{result.outcome} instead of {outcome}: {result.detail or 'take it out of expected_failures.tsv'}"
    assert outcome == "passed" or reason, f"{outcome} without a reason in expected_failures.tsv"


def test_side_table_names_cases(expected):
    assert not set(expected) - set(suite.cases())


def test_nothing_crashes(results):
    assert not [name for name, result in results.items() if result.outcome in ("crash", "timeout")]


def test_support_table_is_fresh(results):
    assert report.SUPPORT_TABLE.read_text() == report.support_table(results), "run ./dev conformance --update"
