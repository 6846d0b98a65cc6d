"""Draws a published figure from its results."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from flowgraphs.experiments.figures import Figure
from flowgraphs.experiments.points import Point

STYLE = Path(__file__).with_name("papers.mplstyle")
_MARKERS = "osD^vPX"
_DASHES = ("-", "--", "-.", ":")


def draw_figure(figure: Figure, rows: list[dict], rates: list[tuple[Point, np.ndarray]], file: Path) -> None:
    """Write file.png and file.svg, with the 95 % intervals shaded."""
    import matplotlib.pyplot as plt

    with plt.style.context(STYLE):
        panels = {"rate": 1, "share": len(figure.panels), "cdf": len(figure.values)}[figure.kind]
        columns = min(2, panels)
        canvas = plt.figure(figsize=(6.2, 4.6 if panels < 3 else 6.4))
        axes = canvas.subplots(-(-panels // columns), columns, squeeze=False).flat
        if figure.kind == "cdf":
            _distributions(figure, rates, axes)
        elif figure.kind == "share":
            _shares(figure, rows, axes)
        else:
            _rates(figure, rows, axes[0])
        canvas.suptitle(figure.title, fontsize="medium")
        canvas.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
        for suffix in (".png", ".svg"):
            canvas.savefig(file.with_suffix(suffix), metadata={"Date": None} if suffix == ".svg" else None)
        plt.close(canvas)


def _rates(figure, rows, axes):
    """All panels in one, told apart by the dash."""
    for number, (method, legend) in enumerate(figure.methods.items()):
        for dash, panel in enumerate(figure.panels):
            label = legend + (f", M = {panel['antennas']}" if len(figure.panels) > 1 else "")
            _line(
                axes,
                figure,
                _chosen(rows, method, panel),
                "rate",
                1,
                label,
                color=f"C{number}",
                marker=_MARKERS[number],
                linestyle=_DASHES[dash % 4],
            )
    if figure.x == "antennas":
        axes.set_xscale("log", base=2)
    axes.set_xticks(figure.values, [f"{value:g}" for value in figure.values])
    axes.set(xlabel=figure.xlabel, ylabel="sum rate (bit/s/Hz)")


def _shares(figure, rows, every):
    """One set of axes for each panel, with what was published beside."""
    for axes, panel in zip(every, figure.panels, strict=True):
        for number, (method, legend) in enumerate(figure.methods.items()):
            if method == figure.reference:
                continue
            look = {"color": f"C{number}", "marker": _MARKERS[number]}
            _line(axes, figure, _chosen(rows, method, panel), "share", 100, legend, **look)
            printed = [p for p in figure.printed if p.method == method and p.settings.items() >= {"antennas": panel["antennas"]}.items()]
            if printed:
                axes.plot(
                    [p.settings[figure.x] for p in printed],
                    [100 * p.share for p in printed],
                    linestyle=":",
                    markerfacecolor="white",
                    label=f"{legend}, published",
                    **look,
                )
        axes.set_xticks(panel["values"])
        axes.set(xlabel=figure.xlabel, ylabel="share of WMMSE (%)", title=f"M = {panel['antennas']}")


def _distributions(figure, rates, every):
    """One set of axes for each value, or they would lie on each other."""
    for axes, k in zip(every, figure.values, strict=True):
        for number, (method, legend) in enumerate(figure.methods.items()):
            for point, found in rates:
                if point.method == method and point.settings[figure.x] == k:
                    axes.plot(np.sort(found), (np.arange(len(found)) + 1) / len(found), _DASHES[number], color=f"C{number}", label=legend)
        axes.set(xlabel=figure.xlabel, ylabel="share of channels below", ylim=(0, 1), title=f"K = {k}")


def _chosen(rows, method, panel):
    fixed = {key: value for key, value in panel.items() if key != "values"}
    return [r for r in rows if r["method"] == method and all(r[key] == value for key, value in fixed.items())]


def _line(axes, figure, rows, column, scale, label, **look):
    rows = sorted(rows, key=lambda r: r[figure.x])
    if rows:
        x, y = [r[figure.x] for r in rows], scale * np.array([r[column] for r in rows])
        half = scale * np.nan_to_num([r["ci95" if column == "rate" else f"{column}_ci95"] for r in rows])
        axes.plot(x, y, label=label, **look)
        axes.fill_between(x, y - half, y + half, color=look["color"], alpha=0.2, linewidth=0)
