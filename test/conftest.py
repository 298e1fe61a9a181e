"""Lets the Python tests import the scripts and the Python tools, however pytest was started."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tools" / "scripts"), str(ROOT / "tools" / "python")]
