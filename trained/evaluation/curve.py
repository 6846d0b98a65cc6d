"""Rate against training time: python -m trained.evaluation.curve NAME... --plot FILE."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trained.store import find_card, load_card

_LINES = {"zf_perfect_csi": ("ZF, perfect CSI", "--"), "ls_zf_uplink": ("LS + ZF on the uplink estimate", ":")}


def draw_curves(curves: dict[str, dict], file: Path) -> None:
    """Draw the curves of cards (name: card["curve"]) with WMMSE and the baselines of the first to a .png, .svg or .pdf."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.3), layout="constrained")
    axes = figure.add_subplot()
    for name, curve in curves.items():
        axes.plot([p["minutes"] for p in curve["points"]], [100 * p["of_wmmse"] for p in curve["points"]], marker=".", label=name)
    first = next(iter(curves.values()))
    axes.axhline(100, color="0.2", linewidth=1, label="WMMSE, perfect CSI")
    for key, (label, style) in _LINES.items():
        if first["baselines"][key] is None:
            continue
        axes.axhline(100 * first["baselines"][key], color="0.4", linestyle=style, linewidth=1, label=label)
    axes.set(xlabel="training time (minutes)", ylabel=f"sum rate, % of WMMSE (M={first['antennas']}, K={first['users']})", ylim=(0, 104))
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", loc="lower right")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=150)


def main(
    names: Annotated[list[str], typer.Argument(help="Shipped names, or .json cards.")],
    plot: Annotated[Path, typer.Option(help="The .png, .svg or .pdf to draw.")],
):
    """Draw the training curves that cards keep, beside WMMSE and zero forcing on the same test blocks."""
    try:
        curves = {Path(name).stem: load_card(find_card(name))["curve"] for name in names}
        if len({(curve["antennas"], curve["users"]) for curve in curves.values()}) > 1:
            raise ValueError("the cards are for different numbers of antennas or users; draw them apart")
        draw_curves(curves, plot)
    except (ValueError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
