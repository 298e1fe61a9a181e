"""Checks the rules of the source tree that a compiler does not: who may include and link whom, sizes, depth, guards,
paths of one machine, a lit test for each pass, constants of known networks, format.

Usage: check_style.py [--root=DIR] [--skip-format]      check everything; one line per finding, exit 1 if there is one
       check_style.py --format [--check]                clang-format in place, or only say which files it would change

docs/Testing.md says what each rule is for; the tests of this script plant a violation of each."""

import argparse
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

FOLDERS = ("runtime", "dialects", "passes", "compiler", "tools", "test")
SOURCE_SUFFIXES = {".c", ".cpp", ".h", ".td", ".py", ".S"}
FORMATTED_SUFFIXES = {".c", ".cpp", ".h"}
LIT_SUFFIXES = {".mlir", ".test"}
HARD_CAP, SOFT_CAP, LIT_CAP = 1000, 600, 300
MAX_DEPTH = 3  # folders above a source file; tests mirror the sources one level down and are exempt

# The contract between artifacts and the runtime: the only headers that both sides see.
CONTRACT = "runtime/include"
RUNTIME_TOOLS = ("tools/lathe", "tools/lathe-run", "tools/support", "tools/tensors")


class Tree:
    """The text files of a source tree, without build results."""

    def __init__(self, root):
        self.root = Path(root)
        self.files = {}
        for folder, subfolders, names in os.walk(self.root):
            subfolders[:] = sorted(name for name in subfolders
                                   if not name.startswith("build") and name not in (".git", ".venv", "install", "__pycache__", ".pytest_cache"))
            for name in sorted(set(names) - {".git"}):  # a file in a work tree
                path = Path(folder) / name
                data = path.read_bytes()
                if b"\0" not in data and path.suffix != ".onnx":
                    self.files[path.relative_to(self.root).as_posix()] = data.decode("utf-8", "replace")

    def select(self, suffixes, folders=FOLDERS):
        return {path: text for path, text in self.files.items() if Path(path).suffix in suffixes and path.split("/")[0] in folders}


def layer(path):
    """The folder that the dependency rule speaks of: 'runtime', 'dialects', 'passes/nn', 'compiler', 'tools/lathe-opt', 'test'."""
    parts = path.split("/")
    if parts[0] in ("passes", "tools") and len(parts) > 2:
        return "/".join(parts[:2])
    return parts[0]


def may_use(user, used):
    """runtime <- nothing; dialects <- MLIR; passes <- dialects; compiler <- passes; tools <- compiler or runtime."""
    if user == used or user == "test":
        return True
    if used == "test":
        return False
    if user.startswith("passes/"):  # one folder of passes never uses another; what lies directly in passes/ is for all
        return used in ("dialects", "passes")
    if user == "passes":  # the library that gathers them
        return used == "dialects" or used.startswith("passes/")
    if user == "compiler":
        return used in ("dialects", "passes") or used.startswith("passes/")
    if user in RUNTIME_TOOLS:
        return used == "runtime" or used in RUNTIME_TOOLS
    if user.startswith("tools"):
        return used in ("compiler", "tools", "tools/support", "tools/tensors")
    return False


def include_findings(tree):
    includes = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.MULTILINE)
    for path, text in tree.select({".c", ".cpp", ".h"}).items():
        user = layer(path)
        for quote, name in includes.findall(text):
            first = name.split("/")[0]
            if user == "runtime" or user in RUNTIME_TOOLS:
                if first in ("mlir", "mlir-c", "llvm", "llvm-c", "lld", "clang", "google"):
                    yield f"{path}: includes '{name}', but the runtime and its tools use nothing of LLVM, MLIR or protobuf"
                    continue
            elif user != "compiler" and user != "test" and first in ("lld", "google"):
                yield f"{path}: includes '{name}', but only compiler/ may use the linker and protobuf"
                continue
            sibling = os.path.normpath(os.path.join(os.path.dirname(path), name))
            if sibling in tree.files:
                used = sibling
            elif f"{CONTRACT}/{name}" in tree.files:
                used = f"{CONTRACT}/{name}"
            elif first in FOLDERS and "/" in name:  # from the source root, or generated in the build root
                used = name
            else:
                continue
            if used.startswith(CONTRACT + "/") and user in ("compiler", "test"):
                continue
            if not may_use(user, layer(used)):
                yield f"{path}: includes '{name}', but {user} may not use {layer(used)}"


def link_findings(tree):
    """The same rule for the targets that CMake links, wherever a command names them after a target of its own folder."""
    command = re.compile(r"^[ \t]*(\w+)\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)", re.MULTILINE)
    defines = re.compile(r"add_library|add_executable|add_llvm_\w+|add_mlir_(?:library|dialect_library|tool)|lathe_\w+")
    calls, owner = [], {}
    for path, text in tree.files.items():
        if Path(path).name != "CMakeLists.txt" or path.split("/")[0] not in FOLDERS:
            continue
        text = re.sub(r"#.*", "", text)
        for name, arguments in command.findall(text):
            words = arguments.split()
            if not words:
                continue
            if defines.fullmatch(name):
                owner[words[0]] = path
            if defines.fullmatch(name) or name == "target_link_libraries":
                calls.append((path, words))
    for path, words in calls:
        target, skipping = words[0], False
        user = layer(owner.get(target, path))
        for word in words[1:]:
            if word in ("PUBLIC", "PRIVATE", "INTERFACE", "LINK", "LINK_LIBS", "LINK_COMPONENTS"):
                skipping = False
            elif word in ("DEPENDS", "PCH", "PCH_FROM"):
                skipping = True
            if skipping:
                continue
            if re.fullmatch(r"(MLIR|LLVM)[A-Z]\w+", word):
                yield f"{path}: {target} links '{word}', but only the dylib target MLIR may be linked: a static copy has registries of its own"
            if word in owner and not may_use(user, layer(owner[word])):
                yield f"{path}: {target} links {word} of {layer(owner[word])}, but {user} may not use it"


def size_findings(tree):
    for path, text in tree.select(SOURCE_SUFFIXES).items():
        lines = text.count("\n")
        if lines > HARD_CAP:
            yield f"{path}: {lines} lines, but a file may have at most {HARD_CAP}"
        if not path.startswith("test/") and path.count("/") > MAX_DEPTH:
            yield f"{path}: {path.count('/')} folders deep, but {MAX_DEPTH} is the most"
    for path, text in tree.select(LIT_SUFFIXES, ("test",)).items():
        if text.count("\n") > LIT_CAP:
            yield f"{path}: {text.count(chr(10))} lines, but a lit file may have at most {LIT_CAP}"


def guard_findings(tree):
    for path, text in tree.select({".h"}).items():
        if path.endswith("/Precompiled.h"):  # only the compiler's command line includes it
            continue
        spelled = path.removeprefix(CONTRACT + "/")
        guard = re.sub(r"[^A-Za-z0-9]", "_", spelled).upper()
        guards = re.findall(r"^#ifndef (\w+)\n#define \1$", text, re.MULTILINE)
        if guard not in guards:
            yield f"{path}: expects the include guard {guard} (got {guards[0] if guards else 'none'})"


def path_findings(tree):
    machine = re.compile(r"(?<![\w.$}])/(?:work|tmp|home|root)/|(?<![\w./-])(?:\.\./)?share[d]/")
    for path, text in tree.files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if match := machine.search(line):
                yield f"{path}:{number}: names '{match.group()}', a path of one machine"


def pass_findings(tree):
    """Every pass is run by a lit test in the folder that mirrors its own."""
    runs = {}
    for path, text in tree.select(LIT_SUFFIXES, ("test",)).items():
        folder = "/".join(path.split("/")[1:3])
        runs[folder] = runs.get(folder, "") + "\n".join(re.findall(r"RUN:.*", text)) + "\n"
    for path, text in tree.select({".td"}, ("passes",)).items():
        folder = "/".join(path.split("/")[:2])
        for flag in re.findall(r'^def \w+\s*:\s*Pass<"([\w-]+)"', text, re.MULTILINE):
            if not re.search(rf"(?:^|[^\w-])-{{0,2}}{flag}(?![\w-])", runs.get(folder, "")):
                yield f"{path}: no RUN line under test/{folder} names the pass '{flag}'"


# Channel counts and image sizes of networks that we measure (the test of this script reads them from the zoo). Those below 28, powers of two and 100 are left
# out: they are as likely something else.
KNOWN_SIZES = {28, 35, 40, 48, 49, 55, 56, 58, 59, 61, 72, 80, 84, 96, 111, 112, 116, 120, 144, 160, 168, 184, 192, 200, 208, 224, 227, 232, 240, 247, 249, 288,
               299, 300, 320, 352, 361, 362, 384, 400, 416, 448, 464, 480, 528, 544, 576, 608, 640, 672, 704, 720, 722, 736, 768, 800, 832, 864, 896, 928, 960,
               992, 996, 1000, 1001, 1152, 1280, 1536, 3136, 9216, 16000, 25088}
KNOWN_NETWORKS = ("alexnet", "alphazero", "cyclegan", "dcgan", "densenet", "dqn", "dscnn", "efficientnet", "espcn", "googlenet", "inception", "mobilenet",
                  "r3d", "resnet", "resnext", "shufflenet", "squeezenet", "unet", "vgg", "yolo")
# Arithmetic on the bits of floating-point numbers, whose biases and widths are numbers of the same kind.
ARITHMETIC = {f"passes/loops/Expand{name}.cpp" for name in ("Double", "Half", "Math", "Trigonometry")}


def constant_findings(tree):
    """The cost model decides from shapes and the target, never from a network or layer that it recognises."""
    comments = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"", re.DOTALL)
    number = re.compile(r"(?<![\w.])([1-9]\d*)(?:[uUlL]*)(?![\w.])")
    network = re.compile("|".join(KNOWN_NETWORKS), re.IGNORECASE)
    window = re.compile(r"\b\w*(?:kernel|window|filter|taps?)\w*(?:\[[^\]]*\]|\(\w*\))?\s*[=!]=\s*[357]\b|\b[357]\s*[=!]=\s*\w*(?:kernel|window|filter|taps?)\b", re.IGNORECASE)
    for path, text in tree.select({".cpp", ".h"}, ("passes",)).items():
        if path in ARITHMETIC:
            continue
        # Strings go as well, except that a network's name is none of a message's business either.
        names = re.sub(r"/\*.*?\*/|//[^\n]*", lambda match: re.sub(r"[^\n]", " ", match.group()), text, flags=re.DOTALL)
        code = comments.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
        for line, (name_line, code_line) in enumerate(zip(names.splitlines(), code.splitlines()), 1):
            for match in number.finditer(code_line):
                if int(match.group(1)) in KNOWN_SIZES:
                    yield f"{path}:{line}: {match.group(1)} is a channel count or an image size of a known network, but passes decide from shapes and the target"
            if match := network.search(name_line):
                yield f"{path}:{line}: names the network '{match.group()}', but passes know none"
            if match := window.search(code_line):
                yield f"{path}:{line}: '{match.group()}' asks for one size of window, but all of them take the same way"


def clang_format(root, paths, check):
    """The paths that are not formatted (check) or all that were given (formatted in place)."""
    if not paths:
        return []
    run = subprocess.run(["clang-format-22"] + (["--dry-run", "-Werror"] if check else ["-i"]) + paths, cwd=root, capture_output=True, text=True)
    return sorted(set(re.findall(r"^(.+?):\d+:\d+: error: code should be clang-formatted", run.stderr, re.MULTILINE)))


def format_findings(tree):
    for path in clang_format(tree.root, list(tree.select(FORMATTED_SUFFIXES)), check=True):
        yield f"{path}: is not formatted; run ./dev format"


RULES = {"include": include_findings, "link": link_findings, "size": size_findings, "guard": guard_findings, "path": path_findings, "test": pass_findings,
         "constant": constant_findings}


def findings(root, skip_format=False):
    tree = Tree(root)
    result = [f"{finding} [{name}]" for name, rule in RULES.items() for finding in rule(tree)]
    if not skip_format:
        result += [f"{finding} [format]" for finding in format_findings(tree)]
    return result


def summary(root):
    sizes = {path: text.count("\n") for path, text in Tree(root).select(SOURCE_SUFFIXES, FOLDERS[:-1]).items()}
    if not sizes:
        return "no source files"
    long = ", ".join(f"{path} ({lines})" for path, lines in sorted(sizes.items()) if lines > SOFT_CAP)
    return f"{len(sizes)} source files, median {statistics.median(sizes.values()):.0f} lines; above {SOFT_CAP}: {long or 'none'}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", default=Path(__file__).resolve().parents[2], type=Path)
    parser.add_argument("--skip-format", action="store_true")
    parser.add_argument("--format", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.format:
        found = [f"{path}: is not formatted" for path in
                 clang_format(arguments.root, list(Tree(arguments.root).select(FORMATTED_SUFFIXES)), arguments.check)]
    else:
        found = findings(arguments.root, arguments.skip_format)
        print(summary(arguments.root))
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
