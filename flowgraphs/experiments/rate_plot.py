"""The distribution of sum rates, as a picture."""

from __future__ import annotations

from io import BytesIO

import numpy as np

_COLOURS = {"link": "#D55E00", "wmmse_perfect_csi": "#000000", "zf_perfect_csi": "#0072B2", "ls_zf_uplink": "#009E73"}
_LINES = {"link": "-", "wmmse_perfect_csi": "--", "zf_perfect_csi": "-.", "ls_zf_uplink": ":"}


def rate_plot(rates: dict[str, np.ndarray | None], titles: dict[str, str], title: str, suffix: str) -> bytes:
    """A picture (".png", ".svg" or ".pdf") of the share of coherence blocks below each rate, for the link and what it is compared to."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.subplots()
    for method, found in rates.items():
        if found is not None:
            axes.plot(
                np.sort(found),
                (np.arange(len(found)) + 1) / len(found),
                _LINES[method],
                color=_COLOURS[method],
                label=f"{titles[method]} (mean {found.mean():.1f})",
                linewidth=2 if method == "link" else 1.5,
            )
    axes.set(xlabel="sum rate (bit/s/Hz)", ylabel="share of coherence blocks below", ylim=(0, 1), title=title)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    drawn = BytesIO()
    figure.savefig(drawn, dpi=150, format=suffix.removeprefix("."))
    return drawn.getvalue()
