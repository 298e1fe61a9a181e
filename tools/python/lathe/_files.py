"""Where the runtime library and the compiler are."""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def candidates(variable, name, folder):
    """Places to look for a file of Lathe, best first: what the environment names, what the wheel brought, what this source tree built."""
    if named := os.environ.get(variable):
        yield Path(named)
        return  # who names a file wants that one and no other
    yield PACKAGE / "_bundled" / name
    if (PACKAGE.parents[2] / "CMakePresets.json").exists():
        yield PACKAGE.parents[2] / os.environ.get("LATHE_BUILD", "build/release") / folder / name
