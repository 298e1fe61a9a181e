"""The Python package: what goes in, what comes out, what is copied, what is refused. Numbers are NumPy's."""

import gc
import os
import threading
import time

import lathe
import numpy
import onnx
import pytest
from onnx import TensorProto, helper

FLOAT = TensorProto.FLOAT


def make_model(nodes, inputs, outputs, initializers=()):
    """inputs and outputs: {name: (type, dims)}"""
    infos = [[helper.make_tensor_value_info(name, kind, dims) for name, (kind, dims) in side.items()] for side in (inputs, outputs)]
    graph = helper.make_graph([helper.make_node(*node) for node in nodes], "g", *infos, initializer=list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])


ADD_SUB = make_model([("Add", ["a", "b"], ["sum"]), ("Sub", ["a", "b"], ["difference"])],
                     {"a": (FLOAT, ["N", 3]), "b": (FLOAT, ["N", 3])}, {"sum": (FLOAT, ["N", 3]), "difference": (FLOAT, ["N", 3])})


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    return lathe.compile(ADD_SUB, tmp_path_factory.mktemp("python") / "model.so")


@pytest.fixture
def model(artifact):
    return lathe.load(artifact, threads=1)


def numbers(*shape, seed=0):
    return numpy.random.default_rng(seed).standard_normal(shape, numpy.float32)


class Foreign:
    """A tensor of another framework: it speaks DLPack and nothing else."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **keywords):
        return self.array.__dlpack__(**keywords)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class TestCompile:
    def test_path_bytes_or_proto(self, tmp_path):
        onnx.save(ADD_SUB, tmp_path / "m.onnx")
        a, b = numbers(2, 3), numbers(2, 3, seed=1)
        for source in (tmp_path / "m.onnx", str(tmp_path / "m.onnx"), (tmp_path / "m.onnx").read_bytes(), ADD_SUB):
            results = lathe.compile(source).run([a, b])
            assert (results[0] == a + b).all() and (results[1] == a - b).all()

    def test_output_is_written_and_nothing_else(self, tmp_path):
        assert lathe.compile(ADD_SUB, tmp_path / "x.so") == tmp_path / "x.so"
        assert [path.name for path in tmp_path.iterdir()] == ["x.so"]

    def test_flags(self, tmp_path):
        plain = lathe.compile(ADD_SUB, tmp_path / "x.so", optimization=0, verify_each=True, mcpu=None, weights="file")
        assert "-O0" in lathe.load(plain).manifest_json()

    def test_shapes(self):
        model = lathe.compile(ADD_SUB, shapes={"a": "1..4x3", "b": "1..4x3"})
        assert model.batch_range() == (1, 4)
        assert lathe.compile(ADD_SUB, shapes={"a": (2, 3), "b": [2, 3]}).inputs[0].shape(1) == (2, 3)

    def test_constants_are_no_inputs_any_more(self):
        model = lathe.compile(make_model([("Reshape", ["x", "shape"], ["y"])], {"x": (FLOAT, [2, 3]), "shape": (TensorProto.INT64, [2])},
                                         {"y": (FLOAT, [3, 2])}), constants={"shape": numpy.array([3, -1])})
        assert [info.name for info in model.inputs] == ["x"]
        x = numbers(2, 3)
        assert (model.run([x])[0] == x.reshape(3, 2)).all()

    @pytest.mark.parametrize("code, source, flags, words", [
        (1, ADD_SUB, {"frobnicate": 1}, "frobnicate"),
        (2, make_model([("Loop", ["a", "b"], ["c"])], {"a": (FLOAT, [2]), "b": (FLOAT, [2])}, {"c": (FLOAT, [2])}), {}, "Loop"),
        (3, "no/such/model.onnx", {}, "no/such/model.onnx"),
        (3, b"no model", {}, "model.onnx"),
    ])
    def test_refusals(self, tmp_path, code, source, flags, words):
        with pytest.raises(lathe.Error, match=words) as refused:
            lathe.compile(source, tmp_path / "x.so", **flags)
        assert refused.value.code == code and not str(refused.value).startswith("error")
        assert list(tmp_path.iterdir()) == []

    def test_no_compiler(self, monkeypatch):
        monkeypatch.setenv("LATHE_COMPILER", "/no/compiler")
        with pytest.raises(lathe.Error, match="the compiler /no/compiler cannot be run: No such file or directory"):
            lathe.compile(ADD_SUB)


class TestRun:
    def test_dicts_and_lists(self, model):
        a, b = numbers(2, 3), numbers(2, 3, seed=1)
        by_name = model.run({"b": b, "a": a})
        assert list(by_name) == ["sum", "difference"] and (by_name["difference"] == a - b).all()
        assert (model.run((a, b))[1] == a - b).all()

    def test_batch_may_change(self, model):
        for batch in (1, 5, 2, 9):
            a = numbers(batch, 3)
            assert (model.run([a, a])[0] == a + a).all()

    def test_inputs_are_read_where_they_lie(self, model):
        context = lathe.Context(model, max_batch=2)
        a, b = numbers(2, 3), numbers(2, 3, seed=1)
        call, results = context.bind([a, Foreign(b)])
        call()
        a[...] = 7
        b[...] = 1
        call()
        assert (results[0] == 8).all() and (results[1] == 6).all()

    def test_outputs_of_the_caller(self, model):
        a, mine, foreign = numbers(2, 3), numpy.zeros((2, 3), numpy.float32), numpy.zeros((2, 3), numpy.float32)
        results = model.run({"a": a, "b": a}, outputs={"sum": mine})
        assert results["sum"] is mine and (mine == a + a).all() and (results["difference"] == 0).all()
        results = model.run([a, a], outputs=[Foreign(foreign), None])
        assert (foreign == a + a).all() and numpy.shares_memory(results[0], foreign)

    def test_results_speak_dlpack(self, model):
        a = numbers(2, 3)
        result = model.run([a, a])[0]
        assert numpy.shares_memory(numpy.from_dlpack(Foreign(result)), result)

    def test_arrays_in_any_order_of_memory(self, model):
        a, b = numbers(3, 2).T, numbers(4, 6)[::2, ::2]
        assert (model.run([a, b])[0] == a + b).all()

    def test_python_numbers(self, model):
        assert model.run([[[1, 2, 3]], [[1, 1, 1]]])[0].tolist() == [[2, 3, 4]]

    @pytest.mark.parametrize("inputs, outputs, words", [
        ({"a": numbers(2, 3)}, None, "input 'b' is missing"),
        ({"a": numbers(2, 3), "b": numbers(2, 3), "c": 1}, None, "the model has no input 'c'; it has 'a', 'b'"),
        ([numbers(2, 3)], None, "got 1 inputs, expected 2"),
        (numbers(2, 3), None, "inputs are a ndarray, expected a dict by name or a list"),
        ([numbers(2, 3).astype(float), numbers(2, 3)], None, "input 'a': type is float64, expected float32"),
        ([numbers(2, 3).astype(">f4"), numbers(2, 3)], None, "input 'a': type is >f4, expected float32"),
        ([numbers(2, 4), numbers(2, 3)], None, "input 'a': dim 1 is 4, expected 3"),
        ([numbers(2, 3, 1), numbers(2, 3)], None, "input 'a': rank is 3, expected 2"),
        ([numbers(2, 3), numbers(4, 3)], None, "input 'b': dim 0 means batch 4, but input 'a' has batch 2"),
        ([numbers(0, 3), numbers(0, 3)], None, "input 'a': dim 0 is 0"),
        ([[["x"]], numbers(2, 3)], None, "input 'a': cannot be read as an array"),
        ([numbers(2, 3), numbers(2, 3)], [numbers(3, 2).T, None], "output 'sum': the array is not C-contiguous"),
        ([numbers(2, 3), numbers(2, 3)], {"difference": numbers(3, 3)}, "output 'difference': dim 0 is 3, expected 2"),
        ([numbers(2, 3), numbers(2, 3)], {"other": numbers(3, 3)}, "the model has no output 'other'"),
    ])
    def test_refusals(self, model, inputs, outputs, words):
        with pytest.raises(lathe.Error) as refused:
            model.run(inputs, outputs)
        assert words in str(refused.value) and refused.value.code == 3

    def test_an_output_must_not_be_an_input(self, model):
        a = numbers(2, 3)
        with pytest.raises(lathe.Error, match="output 'sum': memory overlaps that of input 'a'"):
            model.run([a, numbers(2, 3)], [a, None])
        frozen = numbers(2, 3)
        frozen.flags.writeable = False
        with pytest.raises(lathe.Error, match="output 'sum': the array is not writable"):
            model.run([a, a], [frozen, None])
        assert (model.run([frozen, a])[0] == frozen + a).all(), "as an input it may be"

    def test_scalars(self):
        model = lathe.compile(make_model([("Mul", ["x", "k"], ["y"])], {"x": (FLOAT, []), "k": (FLOAT, [])}, {"y": (FLOAT, [])}))
        result = model.run([numpy.float32(3), 1.5])[0]
        assert result.shape == () and result == 4.5

    def test_tensors_without_elements(self):
        model = lathe.compile(make_model([("Relu", ["x"], ["y"])], {"x": (FLOAT, [2, 0, 3])}, {"y": (FLOAT, [2, 0, 3])}))
        assert model.run([numpy.zeros((2, 0, 3), numpy.float32)])[0].shape == (2, 0, 3)

    def test_an_output_that_is_an_input(self):
        model = lathe.compile(make_model([("Relu", ["x"], ["y"])], {"x": (FLOAT, [4])}, {"x": (FLOAT, [4]), "y": (FLOAT, [4])}))
        x = numbers(4)
        results = model.run({"x": x})
        assert (results["x"] == x).all() and not numpy.shares_memory(results["x"], x) and (results["y"] == numpy.maximum(x, 0)).all()


class TestLoad:
    def test_from_memory(self, artifact):
        a = numbers(2, 3)
        for content in (artifact.read_bytes(), bytearray(artifact.read_bytes()), memoryview(artifact.read_bytes())):
            assert (lathe.load(content).run([a, a])[0] == a + a).all()

    def test_refusals(self, tmp_path):
        with pytest.raises(lathe.Error, match="no file: cannot be opened: No such file or directory") as refused:
            lathe.load("no file")
        assert refused.value.code == 3
        with pytest.raises(lathe.Error, match="the artifact in memory: is not a Lathe artifact") as refused:
            lathe.load(b"\x7fELF")
        assert refused.value.code == 5

    def test_a_context_outlives_what_named_its_model(self, artifact):
        call, results = lathe.Context(lathe.load(artifact), max_batch=2).bind([numbers(2, 3), numbers(2, 3)])
        gc.collect()
        call()
        assert (results[0] == numbers(2, 3) * 2).all()


class TestThreads:
    def test_eight_threads_share_a_model(self, model):
        wrong = []

        def work(seed):
            for i in range(200):
                a, b = numbers(1 + (seed + i) % 9, 3, seed=seed), numbers(1 + (seed + i) % 9, 3, seed=i)
                results = model.run([a, b])
                if not ((results[0] == a + b).all() and (results[1] == a - b).all()):
                    wrong.append((seed, i))

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong

    def test_other_threads_go_on_meanwhile(self):
        """While one inference runs, another thread counts; if the interpreter's lock were held, it would stand still."""
        weights = helper.make_tensor("w", FLOAT, [64, 64, 3, 3], numbers(64, 64, 3, 3).tobytes(), raw=True)
        model = lathe.compile(make_model([("Conv", ["x", "w"], ["y"])], {"x": (FLOAT, ["N", 64, 130, 130])}, {"y": (FLOAT, ["N", 64, 128, 128])}, [weights]))
        call, _ = lathe.Context(model, max_batch=32).bind([numbers(32, 64, 130, 130)])
        call()
        count, stop = 0, threading.Event()

        def work():
            nonlocal count
            while not stop.is_set():
                count += 1
                time.sleep(0.001)

        thread = threading.Thread(target=work)
        thread.start()
        time.sleep(0.01)
        before, begin = count, time.monotonic()
        call()
        during, seconds = count - before, time.monotonic() - begin
        stop.set()
        thread.join()
        assert seconds > 0.1, "too short to tell"
        assert during >= 10, f"{during} steps in {seconds:.2f} s"


def own_bytes():
    """Resident memory of the process's own: pages of files (code) come and go with the machine's load."""
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Anonymous:")) << 10


# The system may turn pages into a huge one meanwhile, which adds up to 2 MB once.
SLACK = 4 << 20


def test_ten_thousand_runs_hold_nothing(model):
    a = numbers(400, 3)
    for _ in range(1000):
        model.run([a, a])
    gc.collect()
    before = own_bytes()
    for _ in range(10000):
        model.run({"a": a, "b": a})
    gc.collect()
    assert own_bytes() - before < SLACK


def test_models_come_and_go(artifact):
    def round():
        lathe.load(artifact).run([numbers(1, 3), numbers(1, 3)])

    for _ in range(50):
        round()
    gc.collect()
    before, files = own_bytes(), len(os.listdir("/proc/self/fd"))
    for _ in range(500):
        round()
    gc.collect()
    assert own_bytes() - before < SLACK and len(os.listdir("/proc/self/fd")) == files
