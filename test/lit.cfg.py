# How lit finds and runs the tests: docs/Testing.md.
import os
import re
import shutil

import lit.formats

# `lit test/passes/nn` in the source tree: take the settings of the build that LATHE_BUILD names.
if not hasattr(config, "lathe_source_root"):
    source_root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    site = os.path.join(source_root, os.environ.get("LATHE_BUILD", "build/release"), "test", "lit.site.cfg.py")
    if not os.path.exists(site):
        lit_config.fatal(f"no {site}: run ./dev build, or set LATHE_BUILD to a build folder")
    lit_config.load_config(config, site)
    raise SystemExit  # the site file has loaded this file a second time, with the settings

config.name = "Lathe"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "bench", "digits", "e2e", "mutation", "unit", "zoo"]
config.test_source_root = os.path.join(config.lathe_source_root, "test")
config.test_exec_root = os.path.join(config.lathe_build_root, "test")

# The tools by their names, ours first.
config.environment["PATH"] = os.pathsep.join([os.path.join(config.lathe_build_root, "bin"), config.llvm_tools_dir, os.environ["PATH"]])
# A variable that one function's checks capture must not leak into the next function's.
config.environment["FILECHECK_OPTS"] = "-enable-var-scope"
for name in ["HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LATHE_NUM_THREADS"]:
    if name in os.environ:
        config.environment[name] = os.environ[name]

python = f'env PYTHONPATH={os.path.join(config.lathe_source_root, "tools", "python")} PYTHONDONTWRITEBYTECODE=1 {config.python}'
config.substitutions += [
    ("%onnx-python", python),
    ("%shlibdir", os.path.join(config.lathe_build_root, "lib")),
    ("%source-root", config.lathe_source_root),
    ("%zoo", os.path.join(config.lathe_source_root, "test", "zoo")),
    ("%digits", os.path.join(config.lathe_source_root, "test", "digits")),
]

# With LATHE_LIT_ROUNDTRIP=1 every input of lathe-opt is also printed and parsed again, as text and as bytecode, and must stay the same.
if os.environ.get("LATHE_LIT_ROUNDTRIP", "0") not in ("", "0"):
    config.substitutions.append((r"(?<![\w./%-])lathe-opt(?![\w.-])", "lathe-opt --verify-roundtrip"))

# REQUIRES: x86_64, avx2, avx512f …: for tests that run code of that instruction set.
config.available_features.add(os.uname().machine)
with open("/proc/cpuinfo") as cpuinfo:
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", cpuinfo.read(), re.MULTILINE)
config.available_features.update(flags.group(1).split() if flags else [])

# REQUIRES: ptxas: what NVIDIA's assembler says of kernels.
if shutil.which("ptxas") or os.path.exists("/usr/local/cuda/bin/ptxas"):
    config.available_features.add("ptxas")
else:
    lit_config.note("there is no ptxas: cubins are not tested")
