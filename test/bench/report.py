"""What a measured network is made of, and the page and the plot that show all of them."""

import math
import platform
import textwrap
from dataclasses import dataclass, field

import numpy
from rounds import ratio_interval

NONE = "–"


@dataclass
class Row:
    """One network at one batch size and thread count."""

    network: str
    batch: int
    threads: int
    times: dict = field(default_factory=dict)  # {engine: seconds, one per round}
    notes: dict = field(default_factory=dict)  # {engine: why it has no time, or how it was run}
    flops: float = 0
    bytes: float = 0  # weights, inputs and outputs, once
    bandwidth: float = 0  # bytes per second of so many bytes, one core
    alone: dict = field(default_factory=dict)  # {engine: what alone.py found}
    compiled: dict = field(default_factory=dict)
    onnx_mb: float = 0

    def median(self, engine):
        return float(numpy.median(self.times[engine]))

    @property
    def best(self):
        """The quickest peer, or None."""
        return min((name for name in self.times if name != "lathe"), key=self.median, default=None)

    @property
    def ratio(self):
        """(median, low, high) of best peer ÷ Lathe; None if there is none of the two."""
        return ratio_interval(self.times[self.best], self.times["lathe"]) if self.best and "lathe" in self.times else None


def milliseconds(seconds):
    value = seconds * 1e3
    return f"{value:.4f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:.1f}"


def percent(share):
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1f} %"


def ratio_text(ratio):
    value, low, high = ratio
    return f"{value:.2f}" + (f" ({low:.2f}–{high:.2f})" if low is not None else "")


def table(header, rows):
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, ["---"] * len(header), *rows])


def speed_table(rows, peers, machine):
    header = ["network", "batch", "threads", "lathe, ms", *(f"{name}, ms" for name in peers), "best peer", "best peer ÷ Lathe", "GFLOP/s", "of FMA peak", "of memory"]
    cells = []
    for row in rows:
        line = [row.network, str(row.batch), str(row.threads), milliseconds(row.median("lathe")) if "lathe" in row.times else row.notes["lathe"]]
        line += [milliseconds(row.median(name)) if name in row.times else row.notes.get(name, NONE) for name in peers]
        line += [row.best or NONE, ratio_text(row.ratio) if row.ratio else NONE]
        if "lathe" in row.times:
            seconds = row.median("lathe")
            line += [f"{row.flops / seconds * 1e-9:.1f}", percent(row.flops / machine.flops / row.threads / seconds), percent(row.bytes / row.bandwidth / seconds)]
        cells.append(line + [NONE] * (len(header) - len(line)))
    return table(header, cells)


def summary(rows):
    """Geometric mean and minimum per batch size and thread count."""
    lines = []
    for key in dict.fromkeys((row.batch, row.threads) for row in rows):
        mine = [row for row in rows if (row.batch, row.threads) == key]
        ratios = {row.network: row.ratio for row in mine if row.ratio}
        if ratios:
            mean = math.exp(sum(math.log(ratio[0]) for ratio in ratios.values()) / len(ratios))
            least = min(ratios, key=lambda name: ratios[name][0])
            lost = sum((ratio[1] or ratio[0]) < 1 for ratio in ratios.values())
            lines.append(f"Batch {key[0]}, {key[1]} thread{'s' * (key[1] > 1)}: geometric mean of (best peer ÷ Lathe) **{mean:.2f}** over {len(ratios)} networks, "
                         f"minimum **{ratios[least][0]:.2f}** ({least}); the interval's lower end is below 1 for {lost}.")
    return "\n\n".join(lines)


BEGIN, END = "<!-- written by ./dev bench -->", "<!-- to here -->"


def update_readme(readme, command, rows, picture):
    """The figures between the two marks."""
    text = readme.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    said = f"`{command}` on {cpu_name()}, beside the best of its peers, network by network; above 1 Lathe is faster:"
    readme.write_text("\n\n".join([f"{before}{BEGIN}", paragraph(said), summary(rows), f"![best peer ÷ Lathe]({picture})", END]) + after)


def resource_table(rows, peers):
    header = ["network", "compile, s", "compiler's peak, MB", "artifact ÷ ONNX", "weights + arena, MB", "peak RSS, MB: lathe", *peers, "first result, ms: lathe", "lathe, cold", *peers]
    cells = []
    for row in rows:
        if not row.compiled:
            continue
        ours = row.alone.get("lathe", {})
        number = lambda value: f"{value:.1f}" if value is not None and value < 100 else f"{value:.0f}" if value is not None else NONE  # noqa: E731
        cells.append([row.network + (f", batch {row.batch}" if row.batch > 1 else "") + (f", {row.threads} threads" if row.threads > 1 else ""),
                      f"{row.compiled['seconds']:.1f}", f"{row.compiled['peak_mb']:.0f}", f"{row.compiled['artifact_mb'] / row.onnx_mb:.2f}",
                      number(row.compiled["weights_mb"] + ours["arena_mb"]) if ours else NONE, number(ours.get("peak_mb")),
                      *(number(row.alone.get(name, {}).get("peak_mb")) for name in peers), number(ours.get("first_ms")), number(ours.get("cold_ms")),
                      *(number(row.alone.get(name, {}).get("first_ms")) for name in peers)])
    return table(header, cells)


def cpu_name():
    with open("/proc/cpuinfo") as file:
        text = file.read()
    name = next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")), platform.machine())
    widest = next((isa for isa in ("avx512f", "avx2", "sse4_2") if isa in text), "")
    return f"{name} ({widest})" if widest else name


def paragraph(text):
    return textwrap.fill(" ".join(text.split()), 158)


def plot(rows, path):
    """Best peer ÷ Lathe per network with its interval, as SVG. The same rows give the same bytes."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "lathe", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    many = len({(row.batch, row.threads) for row in rows}) > 1
    shown = sorted((row for row in rows if row.ratio), key=lambda row: row.ratio[0])
    if not shown:
        return
    labels = [row.network + (f" (batch {row.batch}, {row.threads} threads)" if many else "") for row in shown]
    values = [row.ratio[0] for row in shown]
    errors = [[value - (row.ratio[1] or value) for value, row in zip(values, shown)], [(row.ratio[2] or value) - value for value, row in zip(values, shown)]]
    figure, axes = pyplot.subplots(figsize=(8, 0.6 + 0.24 * len(shown)))
    axes.barh(labels, values, xerr=numpy.maximum(errors, 0), color=["#4878a8" if value >= 1 else "#c05040" for value in values], height=0.7,
              error_kw={"elinewidth": 1, "ecolor": "#333333"})
    axes.axvline(1, color="black", linewidth=1)
    for place, (value, row) in enumerate(zip(values, shown)):
        axes.text(value, place, f"  {value:.2f}  {row.best}", va="center")
    axes.set_xlim(0, max(values) * 1.25)
    axes.set_xlabel("time of the best peer ÷ time of Lathe (more than 1: Lathe is faster)")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
