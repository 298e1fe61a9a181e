"""The backend test suite of the onnx package, run through `lathe.backend` in worker processes: a crash or a hang is one result, not the end.

    cases()              every case by its full name: "node/test_add", "simple/test_expand_shape_model1", …
    run(names, workers)  {name: Result}
"""

import multiprocessing
import multiprocessing.connection
import os
import re
import time
from dataclasses import dataclass
from functools import cache

KINDS = ["node", "simple", "pytorch-operator", "pytorch-converted", "light"]
SECONDS_PER_CASE = 120


@dataclass
class Result:
    """outcome: passed; refused (the compiler or the runtime said why); wrong (a value, shape or type); crash; timeout; skipped (by onnx itself)."""
    outcome: str
    detail: str = ""
    seconds: float = 0.0


@cache
def cases():
    from onnx.backend.test.loader import load_model_tests

    table = {f"{kind}/{case.name}": case for kind in KINDS if kind != "light" for case in load_model_tests(kind=kind)}
    table |= {f"light/{case.name}": case for case in load_model_tests(kind="real") if "/data/light/" in (case.url or "")}
    return table


def load_light(case):
    """The light models come with an output each, for the input that onnx's runner makes of a name and a shape."""
    import onnx
    from onnx import numpy_helper
    from onnx.backend.test.runner import Runner

    path = os.path.normpath(os.path.join(os.path.dirname(onnx.__file__), "..", case.url))
    model = onnx.load(path)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [Runner.generate_dummy_data(info, seed=0, name=case.model_name, random=False) for info in model.graph.input if info.name not in weights]
    outputs = []
    for i in range(len(model.graph.output)):
        with open(f"{path.removesuffix('.onnx')}_output_{i}.pb", "rb") as file:
            outputs.append(numpy_helper.to_array(onnx.TensorProto.FromString(file.read())))
    return model, [(inputs, outputs)]


def load(case):
    """Model and data sets. The node tests hold them; the others have them in files of the onnx package."""
    import glob

    import onnx
    from onnx import numpy_helper

    if case.model is None and case.model_dir is None:
        return load_light(case)
    if case.model is not None:
        arrays = lambda values: [numpy_helper.to_array(v) if isinstance(v, onnx.TensorProto) else v for v in values]  # noqa: E731
        return case.model, [(arrays(inputs), arrays(outputs)) for inputs, outputs in case.data_sets]
    model = onnx.load(os.path.join(case.model_dir, "model.onnx"))
    sets = []
    for folder in sorted(glob.glob(os.path.join(case.model_dir, "test_data_set_*"))):
        def read(prefix, infos):
            values = []
            for i, info in enumerate(infos):
                path = os.path.join(folder, f"{prefix}_{i}.pb")
                if not os.path.exists(path):
                    break
                with open(path, "rb") as file:
                    content = file.read()
                if info.type.HasField("sequence_type"):
                    sequence = onnx.SequenceProto()
                    sequence.ParseFromString(content)
                    values.append(numpy_helper.to_list(sequence))
                elif info.type.HasField("optional_type"):
                    optional = onnx.OptionalProto()
                    optional.ParseFromString(content)
                    values.append(numpy_helper.to_optional(optional))
                else:
                    tensor = onnx.TensorProto()
                    tensor.ParseFromString(content)
                    values.append(numpy_helper.to_array(tensor))
            return values

        sets.append((read("input", model.graph.input), read("output", model.graph.output)))
    return model, sets


def execute(case):
    import lathe
    import lathe.backend
    from onnx.backend.test.runner import Runner

    model, sets = load(case)
    if not sets:
        return Result("skipped", "the onnx package ships no data for it")
    try:
        prepared = lathe.backend.prepare(model)
        for inputs, outputs in sets:
            results = list(prepared.run(inputs))
            try:
                Runner.assert_similar_outputs(outputs, results, rtol=case.rtol, atol=case.atol, model_dir=case.model_dir)
            except AssertionError as error:
                return Result("wrong", " ".join(str(error).split())[:300])
    except lathe.Error as error:
        line = str(error).strip().splitlines()[0]
        return Result("refused", f"exit {error.code}: " + re.sub(r"/\S*/(model\.onnx)", r"\1", line)[:300])
    except Exception as error:  # noqa: BLE001: whatever the package raises besides its own error is a finding
        return Result("wrong", f"{type(error).__name__}: {error}"[:300])
    return Result("passed")


def worker(names, connection):
    """Runs cases until the other end closes."""
    table = cases()
    while True:
        try:
            name = connection.recv()
        except EOFError:
            return
        begin = time.monotonic()
        result = execute(table[name])
        result.seconds = time.monotonic() - begin
        connection.send(result)


class Worker:
    def __init__(self):
        self.connection, other = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(target=worker, args=(None, other), daemon=True)
        self.process.start()
        other.close()
        self.name, self.deadline = None, 0.0

    def give(self, name):
        self.name, self.deadline = name, time.monotonic() + SECONDS_PER_CASE
        self.connection.send(name)

    def stop(self):
        self.process.kill()
        self.process.join()
        self.connection.close()


def run(names, workers=os.cpu_count() or 1):
    cases()  # before the fork: built once
    results, waiting = {}, list(reversed(names))
    team = [Worker() for _ in range(min(workers, len(names)))]
    while True:
        for i, member in enumerate(team):
            if member.name is None and waiting:
                member.give(waiting.pop())
        busy = [member for member in team if member.name is not None]
        if not busy:
            break
        ready = multiprocessing.connection.wait([member.connection for member in busy], timeout=1)
        for i, member in enumerate(team):
            if member.name is None:
                continue
            outcome = None
            if member.connection in ready:
                try:
                    outcome = member.connection.recv()
                except EOFError:
                    member.process.join()
                    outcome = Result("crash", f"the process ended with {member.process.exitcode}")
            elif time.monotonic() > member.deadline:
                outcome = Result("timeout", f"more than {SECONDS_PER_CASE} s")
            if outcome is None:
                continue
            results[member.name] = outcome
            if outcome.outcome in ("crash", "timeout"):
                member.stop()
                team[i] = Worker()
            else:
                member.name = None
    for member in team:
        member.stop()
    return results
