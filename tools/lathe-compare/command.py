"""lathe compare: the compiled network beside ONNX Runtime, step by step, with everything fused as it is."""

import argparse
import sys
import tempfile
from pathlib import Path

DESCRIPTION = """Compiles an ONNX model, runs it and ONNX Runtime (or onnx's reference evaluator) on the same inputs, and prints for each step of the plan, by
its ONNX nodes, how far the numbers differ. Flags that are not listed here are given to lathe compile."""
EPILOG = """exit codes: 0 no step adds an error above the tolerance, 1 usage, 2 unsupported model, 3 invalid input, 4 internal error, 7 a number is wrong"""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        print(f"error: lathe compare: {message}", file=sys.stderr)
        sys.exit(1)


def parse(arguments):
    parser = Parser(prog="lathe compare", usage="lathe compare MODEL.onnx [--input=NAME:@FILE …] [--bisect] [flags of lathe compile]", description=DESCRIPTION,
                    epilog=EPILOG, allow_abbrev=False)
    parser.add_argument("model", metavar="MODEL.onnx")
    parser.add_argument("--input", action="append", default=[], metavar="NAME:@FILE",
                        help="an input from an .npy file or an ONNX tensor (.pb); default: standard-normal numbers, the same in every run")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="of the largest magnitude of a tensor; more is wrong (default: %(default)s); of integers"
                        " any difference is, of 8-bit ones more than 1")
    parser.add_argument("--ir", metavar="PHASE:FILE", help="what the model became at the end of that phase, changed by hand, is compiled in place of the model")
    parser.add_argument("--bisect", action="store_true", help="if a number is wrong, turn optional passes off one at a time and name the guilty one")
    parser.add_argument("--all", action="store_true", help="print every step, not only the first 10 and those that are wrong")
    options, flags = parser.parse_known_args(arguments)
    if options.ir:
        if ":" not in options.ir:
            parser.error(f"--ir is '{options.ir}', expected PHASE:FILE")
        if options.bisect:
            parser.error("--bisect has no effect with --ir, whose IR holds the choice of passes")
    for flag in flags:
        if not flag.startswith("-"):
            parser.error(f"'{flag}' is neither a flag nor the model; values follow '='")
        for refused, why in (("--input-format", "the oracle takes what the model takes"), ("--compile-", "an artifact is needed"),
                             ("--emit", "an artifact is needed"), ("-o", "the artifact is not kept"), ("--output", "the artifact is not kept"),
                             ("--mtriple", "the artifact is run here"), ("--disable-pass", None if not options.bisect else "--bisect chooses the passes")):
            if why and flag.split("=")[0].startswith(refused) and not flag.startswith("-O"):
                parser.error(f"{flag.split('=')[0]} cannot be given: {why}")
    return options, flags


def main(arguments, compiler, library):
    options, flags = parse(arguments)
    try:
        import numpy  # noqa: F401
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        print(f"error: lathe compare needs the Python package '{error.name}' in {sys.executable}; hint: python3 -m pip install numpy onnx onnxruntime",
              file=sys.stderr)
        return 1
    from errors import Failure

    try:
        return compare(options, flags, compiler, library)
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return failure.code
    except BrokenPipeError:
        return 6


def compare(options, flags, compiler, library):
    from artifact import Library, compile_model
    from comparison import Comparison
    from reference import Reference

    Library.load(library)
    reference = Reference(options.model)
    inputs = read_inputs(options, flags, reference)
    with tempfile.TemporaryDirectory(prefix="lathe-compare-") as folder:
        phase, _, source = options.ir.partition(":") if options.ir else ("", "", options.model)
        artifact = compile_model(compiler, source, Path(folder), "model", [*flags, f"--compile-from={phase}"] if phase else flags)
        for name, _, c0, c1, _ in artifact.inputs:
            check_shape(name, inputs[name], c0, c1)
        comparison = Comparison(artifact, reference, inputs, options.tolerance)
        report(comparison, options)
        if comparison.is_right():
            return 0
        if options.bisect:
            print("\nbisection:")
            blame(Path(folder), options, flags, compiler, reference, inputs)
    return 7


def read_inputs(options, flags, reference):
    from errors import Failure
    from reference import load_array

    arrays, known = {}, {value.name: value for value in reference.inputs}
    for text in [*options.input, *(flag.split("=", 1)[1] for flag in flags if flag.startswith("--constant="))]:
        name, mark, path = text.rpartition(":@")
        if not mark:
            raise Failure(1, f"'{text}' is not of the form NAME:@FILE")
        if name not in known:
            raise Failure(3, f"the model has no input '{name}'; it has {', '.join(repr(word) for word in known)}")
        arrays[name] = load_array(path)
        dtype = onnx_dtype(known[name])
        if arrays[name].dtype != dtype:
            raise Failure(3, f"input '{name}' is {arrays[name].dtype}, the model expects {dtype}")
    shapes = given_shapes(flags)
    return {name: arrays[name] if name in arrays else reference.random_input(value, shapes) for name, value in known.items()}


def given_shapes(flags):
    """{input: dims} of --shapes=NAME:1..32x3x224x224, ranges at their smallest."""
    shapes = {}
    for flag in flags:
        if flag.startswith("--shapes="):
            name, _, dims = flag.split("=", 1)[1].rpartition(":")
            words = [word.split("..")[0] for word in dims.split("x")]
            if all(word.isdigit() for word in words):  # else lathe compile says what is wrong
                shapes[name] = [int(word) for word in words]
    return shapes


def onnx_dtype(value):
    import onnx

    return onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)


def check_shape(name, array, c0, c1):
    from errors import Failure

    batch = next((size for size, factor in zip(array.shape, c1) if factor), 1)
    want = [a + b * batch for a, b in zip(c0, c1)]
    if list(array.shape) != want:
        text = "x".join("N" if b else str(a) for a, b in zip(c0, c1))
        raise Failure(3, f"input '{name}' has the shape {'x'.join(map(str, array.shape))}, the model expects {text}")


def blame(folder, options, flags, compiler, reference, inputs):
    from bisection import Bisection

    def say(line):
        print(f"  {line}", flush=True)

    guilty = Bisection(compiler, options.model, folder, flags, reference, inputs, options.tolerance, say).run()
    if not guilty:
        say("guilty: no optional pass; it is the import, a lowering or the code that a kernel was given")
    elif len(guilty) == 1:
        say(f"guilty: {guilty[0]}")
    else:
        say(f"guilty: one of {', '.join(guilty)}, or what one of them gives to another")


HEADER = f"{'step':>5}  {'max abs':>9}  {'max rel':>9}  {'max ulp':>9}  {'own abs':>9}  ONNX nodes"


def report(comparison, options):
    print("Differences from a run of the whole network, in which errors add up; 'own' is what the step adds to what it was given.")
    print(HEADER)
    first = comparison.first_wrong()
    skipped = 0
    for index, row in enumerate(comparison.rows):
        wrong = row.own.exceeds(options.tolerance)
        if not options.all and not wrong and index >= 10:
            skipped += 1
            continue
        mark = "  <-- the first that diverges" if row is first else "  <-- wrong" if wrong else ""
        print(f"{row.step:>5}  {row.whole.absolute:>9.2e}  {row.whole.relative:>9.2e}  {row.whole.ulp:>9.2g}  {row.own.absolute:>9.2e}  "
              f"{' + '.join(row.nodes)}{mark}")
    if skipped:
        print(f"       more steps that are right: {skipped}; --all prints them")
    if comparison.unknown:
        print(f"       steps that hold no tensor of the model as it is, and are part of those that read them: {len(comparison.unknown)}")
    wrong = comparison.wrong_outputs()
    for name, value in comparison.outputs.items():
        own = comparison.own_outputs.get(name)
        note = f", own {own.absolute:.2e}" if own else ""
        print(f"output '{name}' {'DIFFERS' if name in wrong else 'fits'}: max abs {value.absolute:.2e}, max rel {value.relative:.2e}, max ulp {value.ulp:.2g}{note}")
    if first:
        print(f"first divergence: step {first.step}, {' + '.join(first.nodes)}, tensor '{first.tensor}': own error {first.own.absolute:.3g}, "
              f"largest magnitude {first.own.scale:.3g}, tolerance {options.tolerance:g}")
    elif not wrong:
        print(f"no step adds an error above {options.tolerance:g} of the largest magnitude")
