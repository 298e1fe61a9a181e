"""The trained digits network on its 360 held-out images."""

import numpy
import pytest
from harness import ROOT, run_artifact


@pytest.fixture(scope="module")
def held_out():
    with numpy.load(ROOT / "test" / "digits" / "digits_test.npz") as data:
        return data["images"].astype(numpy.float32)[:, None], data["labels"], data["logits"]


@pytest.fixture(scope="module")
def logits(digits, held_out):
    return run_artifact(digits, {"image": held_out[0]})["logits"]


def test_accuracy(logits, held_out):
    assert (logits.argmax(axis=1) == held_out[1]).sum() == 357


def test_logits_are_pytorchs(logits, held_out):
    assert numpy.abs(logits - held_out[2]).max() <= 1e-4


def test_one_image_at_a_time_gives_the_same_bits(digits, logits, held_out):
    for index in (0, 17, 359):
        alone = run_artifact(digits, {"image": held_out[0][index : index + 1]})["logits"]
        assert alone.tobytes() == logits[index : index + 1].tobytes()
