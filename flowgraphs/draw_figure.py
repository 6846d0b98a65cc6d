"""Draws a published figure from its results."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from flowgraphs.figures import Figure
from flowgraphs.points import Point

STYLE = Path(__file__).with_name("papers.mplstyle")
_MARKERS = "osD^vPX"
_DASHES = ("-", "--", "-.", ":")


def draw_figure(figure: Figure, rows: list[dict], rates: list[tuple[Point, np.ndarray]], file: Path) -> None:
    """Write file.png and file.svg, with the 95 % intervals shaded."""
    import matplotlib.pyplot as plt

    with plt.style.context(STYLE):
        canvas = plt.figure(figsize=(6.2, 4.6))
        axes = canvas.add_subplot()
        if figure.kind == "cdf":
            _distributions(figure, rates, axes)
        else:
            _curves(figure, rows, axes)
        axes.set(xlabel=figure.xlabel, title=figure.title)
        canvas.legend(loc="outside lower center", ncols=2)
        for suffix in (".png", ".svg"):
            canvas.savefig(file.with_suffix(suffix), metadata={"Date": None} if suffix == ".svg" else None)
        plt.close(canvas)


def _curves(figure, rows, axes):
    value, spread = ("share", "share_ci95") if figure.kind == "share" else ("rate", "ci95")
    scale = 100 if figure.kind == "share" else 1
    drawn = [m for m in figure.methods if not (figure.kind == "share" and m == figure.reference)]
    for number, method in enumerate(drawn):
        for dash, panel in enumerate(figure.panels):
            fixed = {key: v for key, v in panel.items() if key != "values"}
            mine = [r for r in rows if r["method"] == method and all(r[key] == v for key, v in fixed.items())]
            mine.sort(key=lambda r: r[figure.x])
            if not mine:
                continue
            x, y = [r[figure.x] for r in mine], scale * np.array([r[value] for r in mine])
            half = scale * np.nan_to_num([r[spread] for r in mine])
            panels = f", M = {fixed['antennas']}" if len(figure.panels) > 1 else ""
            colour = f"C{number + (figure.kind == 'share')}"
            axes.plot(x, y, _DASHES[dash % 4], color=colour, marker=_MARKERS[number], label=figure.methods[method] + panels)
            axes.fill_between(x, y - half, y + half, color=colour, alpha=0.2, linewidth=0)
    if figure.x == "antennas":
        axes.set_xscale("log", base=2)
        axes.set_xticks(figure.values, [str(v) for v in figure.values])
    axes.set_ylabel("share of WMMSE (%)" if figure.kind == "share" else "sum rate (bit/s/Hz)")


def _distributions(figure, rates, axes):
    for number, method in enumerate(figure.methods):
        for dash, k in enumerate(figure.values):
            for point, found in rates:
                if point.method == method and point.settings[figure.x] == k:
                    axes.plot(np.sort(found), (np.arange(len(found)) + 1) / len(found), _DASHES[dash], color=f"C{number}",
                              label=f"{figure.methods[method]}, K = {k}")
    axes.set(ylabel="share of channels below", ylim=(0, 1))
