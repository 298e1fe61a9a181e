"""The wheel in a virtual environment that has NumPy and nothing else: no onnx, no source tree, no environment variables."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy
import onnx
import onnxruntime
import pytest
from harness import BUILD, ROOT

SCRIPT = """
import sys, numpy, lathe
assert lathe.__file__.startswith(sys.prefix), lathe.__file__
assert "onnx" not in sys.modules
images = numpy.load("images.npy")
model = lathe.compile("digits.onnx")
numpy.save("logits.npy", model.run({"image": images})["logits"])
path = lathe.compile(open("digits.onnx", "rb").read(), "digits.so", optimization=0)
numpy.save("plain.npy", lathe.load(path).run([images])[0])
try:
    lathe.compile("digits.onnx", "other.so", frobnicate=True)
except lathe.Error as error:
    print(error.code, error)
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(["cmake", "--build", str(BUILD), "--target", "wheel"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    wheels = list((BUILD / "tools" / "python" / "wheel").glob("*.whl"))
    assert len(wheels) == 1
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    python = folder / "venv" / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "venv" / "lib" / version / "site-packages"
    for name in ("numpy", "numpy.libs", f"numpy-{numpy.__version__}.dist-info"):  # as pip would install it, without asking for the network
        if (source := Path(sysconfig.get_path("purelib")) / name).exists():
            (packages / name).symlink_to(source)
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check", "--no-index", str(wheels[0])],
                   check=True, capture_output=True, text=True)
    return python


def test_compiles_and_runs(environment, tmp_path):
    model = ROOT / "test" / "digits" / "digits_cnn.onnx"
    (tmp_path / "digits.onnx").write_bytes(model.read_bytes())
    images = numpy.random.default_rng(1).random((7, 1, 8, 8), numpy.float32)
    numpy.save(tmp_path / "images.npy", images)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LATHE", "PYTHON"))}
    done = subprocess.run([str(environment), "-c", SCRIPT], cwd=tmp_path, env={**clean, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 ") and "frobnicate" in done.stdout
    expected = onnxruntime.InferenceSession(onnx.load(model).SerializeToString()).run(None, {"image": images})[0]
    for name in ("logits.npy", "plain.npy"):
        numpy.testing.assert_allclose(numpy.load(tmp_path / name), expected, rtol=1e-4, atol=1e-4)
    assert not (tmp_path / "other.so").exists()


def test_metadata(environment):
    done = subprocess.run([sys.executable, "-m", "pip", "--python", str(environment), "show", "--files", "lathe"], capture_output=True, text=True, check=True)
    assert "Requires: numpy\n" in done.stdout
    files = {line.strip() for line in done.stdout.partition("Files:\n")[2].splitlines() if ".dist-info/" not in line and "__pycache__" not in line}
    sources = {f"lathe/{path.name}" for path in (ROOT / "tools" / "python" / "lathe").glob("*.py")}
    assert files == sources | {"lathe/_bundled/liblathe_runtime.so", "lathe/_bundled/lathe-compile"}
