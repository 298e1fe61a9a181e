"""./dev demo: the digits network on real handwriting, then ResNet-50, each compiled, run and measured before your eyes."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy
import zoo_weights
from lathe_runtime import Context, Model

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / os.environ.get("LATHE_BUILD", "build/release") / "bin"
OUT = ROOT / "build" / "demo"


def say(text):
    print(f"\n\033[1m== {text}\033[0m", flush=True)


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


def resnet50():
    say("ResNet-50: 224×224 images, 1000 classes, 102 MB of weights")
    print("generating the weights (test/zoo/README.md says how)", flush=True)
    model = zoo_weights.generate("resnet50", ROOT / "build" / "zoo")
    artifact, dump = OUT / "resnet50.so", OUT / "resnet50-ir"
    seconds = lathe("compile", model, "-o", artifact, f"--dump-ir={dump}")
    numpy.save(OUT / "x.npy", numpy.random.default_rng(0).standard_normal((1, 3, 224, 224), dtype=numpy.float32))
    lathe("run", artifact, f"--input=x:@{OUT / 'x.npy'}", f"--output-dir={OUT / 'out'}", "--top=5")
    for threads in sorted({1, len(os.sched_getaffinity(0))}):
        report = lathe("bench", artifact, f"--threads={threads}", "--duration=3", "--json", capture=True)
        latency = json.loads(report.strip().splitlines()[-1])["latency_ms"]
        print(f"  {threads} thread{'s' * (threads > 1)}: {latency['p50']:.1f} ms an image (median), {latency['min']:.1f} ms at best")
    size = sum(path.stat().st_size for path in dump.iterdir())
    print(f"\nresnet50.so: {artifact.stat().st_size / 1e6:.1f} MB, compiled in {seconds:.1f} s with all its IR written out")
    print(f"its IR after every pass: {dump.relative_to(ROOT)} ({len(list(dump.iterdir()))} files, {size / 1e6:.1f} MB); "
          f"open {(dump / 'index.html').relative_to(ROOT)} in a browser")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    digits()
    resnet50()


if __name__ == "__main__":
    main()
