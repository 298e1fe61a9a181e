"""check_style.py: our own tree passes each rule, and each rule finds a violation planted in a small tree that passes without it."""

from pathlib import Path

import check_style
import onnx
import pytest

ROOT = Path(__file__).resolve().parents[3]

# A tree in miniature that breaks no rule: path -> text.
CLEAN = {
    "runtime/include/lathe/lathe.h": "#ifndef LATHE_LATHE_H\n#define LATHE_LATHE_H\n#include <stdint.h>\n#endif\n",
    "runtime/core/Model.c": '#include "lathe/lathe.h"\n',
    "runtime/CMakeLists.txt": "add_library(lathe_runtime SHARED core/Model.c)\n",
    "dialects/nn/NNOps.h": "#ifndef DIALECTS_NN_NNOPS_H\n#define DIALECTS_NN_NNOPS_H\n#include \"mlir/IR/BuiltinOps.h\"\n#endif\n",
    "dialects/nn/CMakeLists.txt": "lathe_library(LatheNN NNOps.cpp LINK MLIR)\n",
    "passes/nn/Fold.cpp": '#include "dialects/nn/NNOps.h"\n',
    "passes/nn/CMakeLists.txt": "lathe_library(LathePassesNN Fold.cpp PCH_FROM LatheNN LINK LatheNN)\n",
    "passes/loops/CMakeLists.txt": "lathe_library(LathePassesLoops Tile.cpp DEPENDS LathePassesNN LINK LatheNN)\n",
    "compiler/Compile.cpp": '#include "passes/nn/Passes.h"\n\n#include "lathe/lathe.h"\n#include "lld/Common/Driver.h"\n',
    "compiler/CMakeLists.txt": "lathe_library(LatheCompiler Compile.cpp LINK LathePassesNN LathePassesLoops)\n",
    "tools/lathe-opt/main.cpp": '#include "compiler/Registration.h"\n',
    "tools/lathe-run/main.cpp": '#include "lathe/lathe.h"\n',
    "tools/lathe-run/CMakeLists.txt": "add_executable(lathe-run main.cpp)\ntarget_link_libraries(lathe-run PRIVATE lathe_runtime)\n",
    "passes/nn/Passes.td": 'def FoldPass : Pass<"nn-fold", "func::FuncOp"> {\n}\n',
    "test/passes/nn/fold.mlir": "// RUN: lathe-opt %s --nn-fold\n",
}

# rule, path, text added to the file of that path, what the finding says
VIOLATIONS = [
    ("include", "runtime/core/Model.c", '#include "mlir/IR/Value.h"\n', "use nothing of LLVM"),
    ("include", "runtime/core/Model.c", "#include <llvm-c/Core.h>\n", "use nothing of LLVM"),
    ("include", "runtime/core/Model.c", '#include "compiler/Options.h"\n', "runtime may not use compiler"),
    ("include", "dialects/nn/NNOps.cpp", '#include "passes/nn/Passes.h"\n', "dialects may not use passes/nn"),
    ("include", "dialects/nn/NNOps.cpp", '#include "lathe/lathe.h"\n', "dialects may not use runtime"),
    ("include", "passes/nn/Fold.cpp", '#include "passes/loops/Passes.h"\n', "passes/nn may not use passes/loops"),
    ("include", "passes/loops/Tile.cpp", '#include "../nn/Fold.cpp"\n', "passes/loops may not use passes/nn"),
    ("include", "passes/nn/Fold.cpp", '#include "compiler/Options.h"\n', "passes/nn may not use compiler"),
    ("include", "passes/nn/Fold.cpp", '#include "lld/Common/Driver.h"\n', "only compiler/"),
    ("include", "compiler/Compile.cpp", '#include "tools/lathe-opt/main.h"\n', "compiler may not use tools/lathe-opt"),
    ("include", "tools/lathe-opt/main.cpp", '#include "passes/nn/Passes.h"\n', "tools/lathe-opt may not use passes/nn"),
    ("include", "tools/lathe-run/main.cpp", '#include "compiler/Options.h"\n', "tools/lathe-run may not use compiler"),
    ("include", "tools/lathe-run/main.cpp", '# include "llvm/ADT/StringRef.h"\n', "use nothing of LLVM"),
    ("link", "passes/nn/CMakeLists.txt", "target_link_libraries(LathePassesNN PUBLIC LathePassesLoops)\n", "passes/nn may not use it"),
    ("link", "passes/nn/CMakeLists.txt", "target_link_libraries(LathePassesNN PUBLIC LatheCompiler)\n", "passes/nn may not use it"),
    ("link", "dialects/nn/CMakeLists.txt", "lathe_library(LatheNN2 A.cpp PCH P.h LINK MLIR LathePassesNN)\n", "dialects may not use it"),
    ("link", "tools/lathe-run/CMakeLists.txt", "target_link_libraries(lathe-run PRIVATE LatheCompiler)\n", "tools/lathe-run may not use it"),
    ("link", "dialects/nn/CMakeLists.txt", "target_link_libraries(LatheNN PUBLIC MLIRIR)\n", "only the dylib target MLIR"),
    ("size", "passes/nn/Fold.cpp", "\n" * 1001, "at most 1000"),
    ("size", "test/passes/nn/fold.mlir", "\n" * 301, "at most 300"),
    ("size", "passes/nn/deep/deeper/deepest/A.cpp", "\n", "5 folders deep"),
    ("guard", "dialects/nn/Other.h", "#ifndef OTHER_H\n#define OTHER_H\n#endif\n", "DIALECTS_NN_OTHER_H (got OTHER_H)"),
    ("guard", "dialects/nn/Other.h", "#pragma once\n", "(got none)"),
    ("path", "docs/A.md", "run /" + "work/x\n", "a path of one machine"),
    ("path", "dev", "x=/" + "tmp/x\n", "a path of one machine"),
    ("path", "passes/nn/Fold.cpp", "// see ../" + "sha" + "red/notes\n", "a path of one machine"),
    ("test", "passes/nn/Passes.td", 'def FoldMorePass : Pass<"nn-fold-more"> {\n}\n', "names the pass 'nn-fold-more'"),
    ("test", "passes/loops/Passes.td", 'def FoldPass : Pass<"nn-fold"> {\n}\n', "no RUN line under test/passes/loops"),
    ("constant", "passes/nn/Fold.cpp", "bool stem = rows == 224;\n", "224 is a channel count or an image size"),
    ("constant", "passes/nn/Fold.cpp", "// 2\nint64_t k = 1000l; /* 3 */\n", "passes/nn/Fold.cpp:3: 1000 is"),
    ("constant", "passes/nn/Fold.cpp", 'bool match = name.contains("ResNet");\n', "names the network 'ResNet'"),
    ("constant", "passes/nn/Fold.cpp", "bool fast = window[0] == 3;\n", "'window[0] == 3' asks for one size of window"),
    ("format", "passes/nn/Fold.cpp", "int  f( ) {return 1 ;}\n", "is not formatted"),
]


def plant(root, extra=None):
    tree = dict(CLEAN)
    if extra:
        tree[extra[0]] = tree.get(extra[0], "") + extra[1]
    for path, text in tree.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / ".clang-format").write_text((ROOT / ".clang-format").read_text())


def test_clean_tree_has_no_findings(tmp_path):
    plant(tmp_path)
    assert check_style.findings(tmp_path) == []


@pytest.mark.parametrize("rule, path, text, message", VIOLATIONS, ids=[f"{v[0]}-{i}" for i, v in enumerate(VIOLATIONS)])
def test_planted_violation_is_found(tmp_path, rule, path, text, message):
    plant(tmp_path, (path, text))
    found = check_style.findings(tmp_path, skip_format=rule != "format")
    assert len(found) == 1, found
    assert message in found[0] and found[0].startswith(path) and found[0].endswith(f"[{rule}]")


def test_build_results_are_not_looked_at(tmp_path):
    plant(tmp_path, ("build/release/A.h", "#pragma once\n"))
    assert check_style.findings(tmp_path) == []


def test_known_sizes_are_those_of_the_zoo():
    sizes = set()
    for path in (ROOT / "test" / "zoo").glob("*.onnx"):
        graph = onnx.shape_inference.infer_shapes(onnx.load(path, load_external_data=False)).graph
        sizes.update(size for tensor in graph.initializer for size in tensor.dims)
        sizes.update(dim.dim_value for value in [*graph.input, *graph.output, *graph.value_info] for dim in value.type.tensor_type.shape.dim)
    assert {size for size in sizes if size >= 28 and size & (size - 1) and size != 100} <= check_style.KNOWN_SIZES
    names = [path.stem for path in (ROOT / "test" / "zoo").glob("*.onnx")]
    assert not [name for name in names if not name.startswith(check_style.KNOWN_NETWORKS) and name != "m5"]


@pytest.mark.parametrize("rule", [*check_style.RULES, "format"])
def test_our_tree(rule):
    tree = check_style.Tree(ROOT)
    check = check_style.RULES.get(rule, check_style.format_findings)
    found = list(check(tree))
    assert not found, "\n".join(found)
