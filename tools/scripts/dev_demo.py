"""./dev demo: the digits network on real handwriting, then ResNet-50, each compiled, run and measured before your eyes."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy
import onnxruntime
import zoo_weights
from lathe import Context, Model

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / os.environ.get("LATHE_BUILD", "build/release") / "bin"
OUT = ROOT / "build" / "demo"


def say(text):
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def lathe(*arguments, capture=False):
    """Runs and shows one command line. Returns its seconds, or what it printed."""
    words = [str(word).replace(f"{ROOT}/", "") for word in arguments]
    print(f"$ lathe {' '.join(words)}", flush=True)
    start = time.monotonic()
    done = subprocess.run([BIN / "lathe", *words], cwd=ROOT, text=True, stdout=subprocess.PIPE if capture else None)
    if done.returncode != 0:
        sys.exit(f"dev demo: lathe {words[0]} ended with exit code {done.returncode}")
    return done.stdout if capture else time.monotonic() - start


def cell(upper, lower):
    """Two pixels, one above the other, as one character: grey on a terminal, black and white in a file."""
    if not sys.stdout.isatty():
        return " ▄▀█"[2 * (upper > 7) + (lower > 7)]
    up, low = (232 + min(23, int(value) * 23 // 16) for value in (upper, lower))
    return f"\033[38;5;{up};48;5;{low}m▀\033[0m"


def draw(images, captions):
    """Grey 8×8 images side by side, each with its caption."""
    width = max(images.shape[2], *map(len, captions)) + 2
    for row in range(0, images.shape[1], 2):
        print(" " + "".join("".join(map(cell, image[row], image[row + 1])) + " " * (width - images.shape[2]) for image in images))
    print(" " + "".join(caption.ljust(width) for caption in captions), flush=True)


def digits():
    say("digits: a small CNN trained on scanned handwriting")
    artifact = OUT / "digits.so"
    seconds = lathe("compile", ROOT / "test/digits/digits_cnn.onnx", "-o", artifact)
    with numpy.load(ROOT / "test" / "digits" / "digits_test.npz") as data:
        images, labels = data["images"], data["labels"]
    start = time.monotonic()
    logits = Context(Model(artifact), max_batch=len(images)).run({"image": images.astype(numpy.float32)[:, None]})["logits"]
    milliseconds = (time.monotonic() - start) * 1e3
    predicted = logits.argmax(axis=1)
    right = int((predicted == labels).sum())
    wrong = numpy.flatnonzero(predicted != labels)
    shown = [*(numpy.flatnonzero(labels == digit)[0] for digit in range(0, 10, 2)), *wrong[:2]]  # a few of all, and two that it gets wrong
    print()
    draw(images[shown], [str(predicted[i]) if predicted[i] == labels[i] else f"{predicted[i]}, is {labels[i]}" for i in shown])
    print(f"\n{right} of {len(labels)} held-out digits are right ({right / len(labels):.2%}); all of them took {milliseconds:.1f} ms; "
          f"compiled in {seconds:.1f} s; {artifact.stat().st_size / 1024:.0f} KB in one file")


def peer(model, x):
    """ONNX Runtime on one core: its output, and its latency in ms (the median of a few)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    times = []
    while len(times) < 4 or sum(times) < 3e3:
        start = time.monotonic()
        output, = session.run(None, {"x": x})
        times.append((time.monotonic() - start) * 1e3)
    return output, float(numpy.median(times[1:]))


def resnet50():
    say("ResNet-50: 224×224 images, 1000 classes, 102 MB of weights")
    print("generating the weights (test/zoo/README.md says how)", flush=True)
    model = zoo_weights.generate("resnet50", ROOT / "build" / "zoo")
    artifact, dump = OUT / "resnet50.so", OUT / "resnet50-ir"
    seconds = lathe("compile", model, "-o", artifact)
    lathe("compile", model, "-o", artifact, f"--dump-ir={dump}")
    x = numpy.random.default_rng(0).standard_normal((1, 3, 224, 224), dtype=numpy.float32)
    numpy.save(OUT / "x.npy", x)
    lathe("run", artifact, f"--input=x:@{OUT / 'x.npy'}", f"--output-dir={OUT / 'out'}", "--threads=1", capture=True)
    got = numpy.load(next((OUT / "out").glob("00-*.npy")))
    latencies = []
    for threads in sorted({1, len(os.sched_getaffinity(0))}):
        report = lathe("bench", artifact, f"--threads={threads}", "--duration=3", "--json", capture=True)
        latencies.append((threads, json.loads(report.strip().splitlines()[-1])["latency_ms"]["p50"]))
    print("the same image in ONNX Runtime, 1 thread", flush=True)
    want, peer_latency = peer(model, x)
    files = list(dump.iterdir())
    rows = [("compiled in", f"{seconds:.1f} s"), ("artifact", f"{artifact.stat().st_size / 1e6:.1f} MB, weights included"),
            *((f"latency, {threads} thread{'s' * (threads > 1)}", f"{latency:.1f} ms") for threads, latency in latencies),
            ("ONNX Runtime, 1 thread", f"{peer_latency:.1f} ms"),
            ("largest difference to it", f"{numpy.abs(got - want).max() / numpy.abs(want).max():.1e} of the largest output"),
            ("IR after every pass", f"{dump.relative_to(ROOT)}: {len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB"),
            ("open in a browser", (dump / "index.html").relative_to(ROOT))]
    print()
    for what, value in rows:
        print(f"  {what:<26}{value}")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    digits()
    resnet50()


if __name__ == "__main__":
    main()
