"""One artifact beside the oracle, step by step."""

from dataclasses import dataclass

from errors import Difference, difference
from layout import to_logical


@dataclass
class Row:
    """A step of the plan, or a group of steps, that computes a tensor of the ONNX model.

    `whole` compares with a run of the whole network, in which errors add up. `own` compares with the same nodes run on what the artifact itself computed
    before: the error that this step adds."""

    step: int
    nodes: list
    tensor: str
    whole: Difference
    own: Difference


class Comparison:
    def __init__(self, artifact, reference, inputs, tolerance):
        self.tolerance = tolerance
        outputs, written = artifact.run({name: inputs[name] for name, *_ in artifact.inputs})
        candidates = _tensors(written, reference)
        wanted = list(dict.fromkeys([*(tensor for _, tensor in candidates), *reference.outputs]))
        want = reference.run(inputs, wanted)
        self.rows, self.unknown, known = [], [], dict(inputs)
        for item, tensor in candidates:
            got = to_logical(item.array, want[tensor].shape, want[tensor].dtype)
            if got is None:
                self.unknown.append(item)
                continue
            own = difference(got, reference.run_from(known, tensor))
            known[tensor] = got
            self.rows.append(Row(item.step, item.nodes, tensor, difference(got, want[tensor]), own))
        self.outputs = {name: difference(outputs[name], want[name]) for name in reference.outputs if name in outputs}
        # An output that no step of its own has written comes from the artifact as a whole.
        self.own_outputs = {name: difference(outputs[name], reference.run_from(known, name)) for name in self.outputs if name not in known}

    def first_wrong(self):
        """The first step that adds an error above the tolerance; None if no step does."""
        return next((row for row in self.rows if row.own.exceeds(self.tolerance)), None)

    def wrong_outputs(self):
        own = [name for name, value in self.own_outputs.items() if value.exceeds(self.tolerance)]
        return own + [name for name, value in self.outputs.items() if name not in own and value.exceeds(self.tolerance)]

    def is_right(self):
        return self.first_wrong() is None and not self.wrong_outputs()


def _tensors(written, reference):
    """[(Written, tensor name)]: a step's buffer holds the result of the node that comes last in the model.

    Of several steps of one node the last one counts, since the others prepare it; none does if the node is computed inside of a later step, for which a
    step of its own can only have changed a layout."""
    last, inside = {}, {}
    for index, item in enumerate(written):
        nodes = [name for name in item.nodes if name in reference.order]
        if not nodes:
            continue
        sink = max(nodes, key=reference.order.get)
        last[sink] = index
        inside.update((name, index) for name in nodes if name != sink)
    result = []
    for sink, index in sorted(last.items(), key=lambda pair: pair[1]):
        outputs = [name for name in reference.nodes[sink].output if name]
        if len(outputs) == 1 and inside.get(sink, -1) < index:
            result.append((written[index], outputs[0]))
    return result
