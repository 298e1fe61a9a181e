"""Two files made from a run of the suite: the side table of expected failures, and the support table of the documentation.

Usage: report.py --update     runs the suite and writes both; a wrong value keeps the reason that somebody has written for it, and needs one."""

import argparse
import collections
import sys
from pathlib import Path

import suite

HERE = Path(__file__).resolve().parent
SIDE_TABLE = HERE / "expected_failures.tsv"
SUPPORT_TABLE = HERE.parents[1] / "docs" / "generated" / "operators.md"
HEADER = "# case\toutcome\treason (written by `./dev conformance --update`; of wrong, crash and timeout by hand)\n"
EXPLAINED = ("wrong", "crash", "timeout")


def read_side_table():
    """{case: (outcome, reason)}"""
    table = {}
    for line in SIDE_TABLE.read_text().splitlines() if SIDE_TABLE.exists() else []:
        if line and not line.startswith("#"):
            name, outcome, reason = line.split("\t")
            table[name] = outcome, reason
    return table


def side_table(results, known):
    lines = [HEADER]
    for name, result in sorted(results.items()):
        if result.outcome in ("passed", "skipped"):
            continue
        reason = known[name][1] if result.outcome in EXPLAINED and known.get(name, ("",))[0] == result.outcome else ""
        if result.outcome not in EXPLAINED:
            reason = result.detail
        lines.append(f"{name}\t{result.outcome}\t{reason}\n")
    return "".join(lines)


def element_types(model):
    from onnx import TensorProto

    names = set()
    for value in [*model.graph.input, *model.graph.output]:
        kind = value.type.WhichOneof("value")
        names.add(TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower() if kind == "tensor_type" else (kind or "none").removesuffix("_type"))
    return names


def support_table(results):
    """Per operator: how many of its node tests pass, at which opsets, with which element types, and what is refused."""
    rows = collections.defaultdict(lambda: {"passed": 0, "total": 0, "opsets": set(), "types": set(), "other": set()})
    for name, result in results.items():
        kind, _, test = name.partition("/")
        if kind != "node" or "_expanded" in test:
            continue
        model = suite.cases()[name].model
        opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)
        operators = {node.op_type for node in model.graph.node if node.domain in ("", "ai.onnx")}
        tested = operators if len(operators) == 1 else {op for op in operators if test.removeprefix("test_").replace("_", "").startswith(op.lower())} or operators
        for operator in tested:
            row = rows[operator]
            row["total"] += 1
            if result.outcome == "passed":
                row["passed"] += 1
                row["opsets"].add(opset)
                row["types"] |= element_types(model)
            else:
                row["other"] |= element_types(model)
    kinds = collections.Counter(name.partition("/")[0] for name in results)
    passed = collections.Counter(name.partition("/")[0] for name, result in results.items() if result.outcome == "passed")
    lines = ["<!-- Written by ./dev conformance --update from a run of the onnx package's backend suite. Do not edit. -->\n\n", "# Operators\n\n",
             "What passes of the backend suite of the onnx package, as shipped:\n\n", "| kind | passed | of |\n|---|---:|---:|\n"]
    lines += [f"| {kind} | {passed[kind]} | {kinds[kind]} |\n" for kind in suite.KINDS]
    lines.append("\nPer operator, the node tests as written (without expanded function bodies): how many pass, at the opsets and with the element types listed; and the"
                 " types that appear only in tests which do not pass. Each opset in which an operator's definition has not changed since reads the same.\n\n"
                 "| operator | passed | of | opsets | types | types of tests that do not pass |\n|---|---:|---:|---|---|---|\n")
    for operator, row in sorted(rows.items()):
        opsets = ", ".join(map(str, sorted(row["opsets"]))) or "–"
        types, other = ", ".join(sorted(row["types"])) or "–", ", ".join(sorted(row["other"] - row["types"])) or "–"
        lines.append(f"| {operator} | {row['passed']} | {row['total']} | {opsets} | {types} | {other} |\n")
    return "".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="./dev conformance", description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="write the side table and docs/generated/operators.md")
    parser.add_argument("words", nargs="*", help="only cases whose name holds one of these")
    arguments = parser.parse_args()
    names = [name for name in suite.cases() if not arguments.words or any(word in name for word in arguments.words)]
    if arguments.update and arguments.words:
        parser.error("--update needs the whole suite")
    results = suite.run(names)
    for name, result in sorted(results.items()):
        if result.outcome not in ("passed", "skipped"):
            print(f"{result.outcome}: {name}: {result.detail}")
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(collections.Counter(result.outcome for result in results.values()).items())))
    if arguments.update:
        SIDE_TABLE.write_text(side_table(results, read_side_table()))
        SUPPORT_TABLE.write_text(support_table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
