"""The README's figures are those of the bench: nobody types them."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_figures_are_those_of_the_page():
    readme, page = (ROOT / "README.md").read_text(), (ROOT / "docs" / "bench.md").read_text()
    block = readme.split("<!-- written by ./dev bench -->")[1].split("<!-- to here -->")[0]
    if not block.strip():
        return  # nothing is claimed
    lines = [line for line in block.splitlines() if line.startswith("Batch ")]
    assert lines, "./dev bench writes them"
    assert [line for line in lines if line not in page] == []
    command = re.search(r"`(\./dev bench[^`]*)`", block).group(1)
    assert f"`{command}`" in " ".join(page.split())
    assert (ROOT / "docs" / "bench.svg").exists()
