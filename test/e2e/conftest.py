"""Artifacts that several tests use, compiled once."""

import pytest
import zoo_weights
from harness import BUILD, ROOT, compile_model


@pytest.fixture(scope="session")
def resnet50_onnx():
    return zoo_weights.generate("resnet50", ROOT / "build" / "zoo")


@pytest.fixture(scope="session")
def resnet50(resnet50_onnx, tmp_path_factory):
    return compile_model(resnet50_onnx, tmp_path_factory.mktemp("resnet50") / "resnet50.so")


@pytest.fixture(scope="session")
def digits_onnx():
    return ROOT / "test" / "digits" / "digits_cnn.onnx"


@pytest.fixture(scope="session")
def digits(digits_onnx, tmp_path_factory):
    return compile_model(digits_onnx, tmp_path_factory.mktemp("digits") / "digits.so")


def pytest_sessionstart(session):
    if not (BUILD / "bin" / "lathe").exists():
        pytest.exit(f"no {BUILD / 'bin' / 'lathe'}: run ./dev build, or set LATHE_BUILD to a build folder", returncode=4)
