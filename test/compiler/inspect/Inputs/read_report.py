"""Reads a dump's index.html the way the page does, with Python's zlib and json, and prints its steps; with --lines=NODE also the lines of a node.

Checks on the way that the page refers to nothing outside itself but the dumped files, and that every text agrees with the file it shows.
"""
import base64
import json
import pathlib
import re
import sys
import zlib

folder = pathlib.Path(sys.argv[1])
node = next((a.split("=", 1)[1] for a in sys.argv[2:] if a.startswith("--lines=")), None)
page = (folder / "index.html").read_text(encoding="utf-8")
scripts = dict(re.findall(r'<script type="[a-z/]+" id="(\w+)">(.*?)</script>', page, re.S))
data = {**json.loads(scripts["about"]), "names": [], "sets": [], "steps": {}}
for record in re.findall(r'<script type="application/json" class="record">(.*?)</script>', page, re.S):
    step = json.loads(record)
    data["names"] += step.get("names", [])
    data["sets"] += step.get("sets", [])
    data["steps"][step["index"]] = step  # what was running is replaced by what came of it
outside = re.sub(r"<script type.*?</script>", "", page, flags=re.S)
assert not re.search(r"""(src|href)\s*=\s*["'](?!#|\$)|@import|url\(|https?://""", outside), "the page refers to something outside"


def inflate(packed):
    raw = base64.b64decode(packed[1:])
    return json.loads(zlib.decompress(raw) if packed[0] == "z" else raw)


def without_locations(text):
    """What MLIR prints without locations, from what it prints with them."""
    text = re.sub(r"^#loc.*\n", "", text, flags=re.M)
    out, i = [], 0
    while (start := text.find(" loc(", i)) >= 0:
        out.append(text[i:start])
        i, depth, quoted = start + 4, 0, False
        while True:
            c = text[i]
            if c == '"':
                quoted = not quoted
            elif c == "\\":
                i += 1
            elif not quoted:
                depth += (c == "(") - (c == ")")
            i += 1
            if depth == 0:
                break
    return "".join(out) + text[i:]


print("title", data["title"])
print("phases", data["phases"])
print("nodes", ", ".join(sorted(data["names"])))
for index, step in data["steps"].items():
    print(step["file"] or "(unchanged)", "phase=" + step["phase"], step["pass"], "FAILED" if step["failed"] else "RUNNING" if "running" in step else "",
          f"{sum(step['ops'].values())} ops" if "ops" in step else "", "| " + step["reason"])
    if not step["file"]:
        assert f"text{index}" not in scripts
        continue
    content = inflate(scripts[f"text{index}"])
    dumped = (folder / step["file"]).read_text()
    assert content["text"].rstrip("\n") == (without_locations(dumped) if step["isModule"] else dumped).rstrip("\n"), step["file"]
    lines = content["text"].split("\n")
    sets = [s for count, s in zip(content["sets"][::2], content["sets"][1::2]) for _ in range(count)]
    assert len(sets) == len(lines), (len(sets), len(lines))
    assert step["lines"] == len(content["text"].rstrip("\n").split("\n"))
    if node:
        for number, (line, group) in enumerate(zip(lines, sets), 1):
            if node in [data["names"][i] for i in data["sets"][group]]:
                print(f"  {number}: {line.strip()}")
