"""Rate against training time: calibeam report curve."""

from __future__ import annotations

from pathlib import Path

from trained.evaluation.titles import REFERENCES

_LINES = {"zf_perfect_csi": "--", "ls_zf_uplink": ":"}


def draw_curves(curves: dict[str, dict], file: Path) -> None:
    """Draw the curves of cards (name: card.curve) with WMMSE and the baselines of the first to a .png, .svg or .pdf."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.3), layout="constrained")
    axes = figure.add_subplot()
    for name, curve in curves.items():
        points = [p for p in curve["points"] if "of_wmmse" in p]
        axes.plot([p["minutes"] for p in points], [100 * p["of_wmmse"] for p in points], marker=".", label=name)
    first = next(iter(curves.values()))
    axes.axhline(100, color="0.2", linewidth=1, label=REFERENCES["wmmse_perfect_csi"])
    for key, style in _LINES.items():
        if first["baselines"][key] is None:
            continue
        axes.axhline(100 * first["baselines"][key], color="0.4", linestyle=style, linewidth=1, label=REFERENCES[key])
    axes.set(xlabel="training time (minutes)", ylabel=f"sum rate, % of WMMSE (M={first['antennas']}, K={first['users']})", ylim=(0, 104))
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", loc="lower right")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=150)
