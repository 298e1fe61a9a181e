"""Where things are."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("LATHE_BUILD", "build/release")
WORK = BUILD / "bench"
