"""What each published figure compares, where, and which of its numbers are in print."""

from __future__ import annotations

from dataclasses import dataclass, field

from trained.evaluation.published import BLACK_BOX, IAIDNN, MIMO_USERS


@dataclass(frozen=True)
class Published:
    """A share of `of` that a paper prints for a method at these settings; at_least: where it prints a bound."""

    method: str
    settings: dict
    share: float
    of: str = "wmmse"
    at_least: bool = False


@dataclass(frozen=True)
class Figure:
    """A figure: `methods` (name: legend) over `x`, for the settings of each of `panels`; printed holds the published numbers.

    kind: "rate" draws the sum rate over x, "share" the share of the reference panel by panel, "cdf" the distribution of the rate value by
    value.
    """

    title: str
    source: str
    x: str
    xlabel: str
    methods: dict[str, str]
    panels: tuple[dict, ...]
    values: tuple = ()
    kind: str = "rate"
    reference: str = "wmmse"
    printed: tuple[Published, ...] = ()
    blocks: dict[str, int] = field(default_factory=lambda: {"quick": 200, "full": 1000})

    def settings(self) -> list[dict]:
        """The scenario settings of every place on the horizontal axis, panel by panel."""
        found = []
        for panel in self.panels:
            fixed = {key: value for key, value in panel.items() if key != "values"}
            found += [{**fixed, self.x: value} for value in panel.get("values", self.values)]
        return found


_PERFECT = {
    "wmmse": "WMMSE",
    "calibrated-perfect": "neural calibration",
    "unfolding": "deep unfolding",
    "data-driven-perfect": "fully data-driven",
    "zf": "ZF",
    "mrt": "MRT",
}
_PILOTS = {
    "wmmse": "WMMSE, perfect CSIT",
    "calibrated": "neural calibration",
    "fingerprint": "fingerprint + structured (no learning)",
    "data-driven": "fully data-driven, end to end",
    "zf": "ZF, perfect CSIT",
    "channel-mapping": "LS + channel mapping + ZF",
}
_UPLINK = {
    "wmmse": "WMMSE, perfect CSIT",
    "calibrated": "neural calibration",
    "calibrated@calibrated-m64-minus10": "neural calibration, trained at -10 dBm",
    "fingerprint": "fingerprint + structured (no learning)",
    "zf": "ZF, perfect CSIT",
    "channel-mapping": "LS + channel mapping + ZF",
}


def _over_antennas(source: str, csi: str, methods: dict[str, str], printed: tuple[Published, ...] = ()) -> Figure:
    return Figure(
        f"Sum rate against M, {csi}",
        source,
        "antennas",
        "number of antennas M",
        methods,
        ({"users": 8},),
        (16, 32, 64, 128),
        printed=printed,
    )


def _over_users(source: str, printed: tuple[Published, ...]) -> Figure:
    return Figure(
        "Sum rate against K, from uplink pilots",
        source,
        "users",
        "number of users K",
        _PILOTS,
        ({"antennas": 64},),
        (2, 4, 8, 10, 16),
        printed=printed,
    )


def _over_uplink(source: str) -> Figure:
    return Figure(
        "Sum rate against uplink power",
        source,
        "uplink_power_dbm",
        "uplink transmit power (dBm)",
        _UPLINK,
        ({"antennas": 64, "users": 16},),
        (-20.0, -15.0, -10.0, -5.0, 0.0, 5.0, 10.0),
    )


_AT_10, _AT_128 = {"antennas": 64, "users": 10}, {"antennas": 128, "users": 8}
_MIMO = {
    "wmmse-mimo": "WMMSE, best of 30 starts",
    "unfolding-mimo": "IAIDNN",
    "data-driven-perfect-mimo": "black-box CNN",
    "rzf-mimo": "RZF",
}

FIGURES = {
    "conference-3": _over_antennas("Ma et al. 2021 (conference), Fig. 3", "from uplink pilots", _PILOTS),
    "conference-4": _over_users(
        "Ma et al. 2021 (conference), Fig. 4", (Published("calibrated", _AT_10, 0.911), Published("data-driven", _AT_10, 0.787))
    ),
    "conference-5": _over_uplink("Ma et al. 2021 (conference), Fig. 5"),
    "journal-6a": _over_antennas(
        "Ma et al. (journal), Fig. 6(a)", "perfect CSI", _PERFECT, (Published("calibrated-perfect", {"antennas": 64, "users": 8}, 0.976),)
    ),
    "journal-6b": Figure(
        "Sum rate against K, perfect CSI",
        "Ma et al. (journal), Fig. 6(b)",
        "users",
        "number of users K",
        _PERFECT,
        ({"antennas": 32},),
        (2, 4, 8, 12, 16),
    ),
    "journal-7": Figure(
        "Trained for K = 4, used for others",
        "Ma et al. (journal), Fig. 7",
        "users",
        "number of users K",
        {"calibrated-perfect": "trained at every K", "calibrated-perfect@calibrated-perfect-k4": "trained at K = 4"},
        tuple({"antennas": m} for m in (16, 32, 64)),
        (2, 4, 6, 8, 10, 12),
        reference="calibrated-perfect",
        printed=tuple(
            Published("calibrated-perfect@calibrated-perfect-k4", {"antennas": 64, "users": k}, 0.9324, "calibrated-perfect", at_least=True)
            for k in (2, 6, 8, 10, 12)
        ),
    ),
    "journal-8": Figure(
        "Sum rate against downlink power",
        "Ma et al. (journal), Fig. 8",
        "downlink_power_dbm",
        "downlink transmit power (dBm)",
        {
            "wmmse": "WMMSE",
            "calibrated-perfect": "neural calibration",
            "calibrated-perfect@calibrated-perfect-minus10": "neural calibration, trained at -10 dBm",
            "data-driven-perfect@data-driven-perfect-m32-k10-powers": "fully data-driven",
            "zf": "ZF",
        },
        ({"antennas": 32, "users": 10},),
        (-10.0, -5.0, 0.0, 5.0, 10.0, 15.0),
    ),
    "journal-9a": _over_antennas(
        "Ma et al. (journal), Fig. 9(a)",
        "from uplink pilots",
        _PILOTS,
        (Published("calibrated", _AT_128, 0.931), Published("data-driven", _AT_128, 0.703)),
    ),
    "journal-9b": _over_users(
        "Ma et al. (journal), Fig. 9(b)", (Published("calibrated", _AT_10, 0.910), Published("data-driven", _AT_10, 0.787))
    ),
    "journal-10": _over_uplink("Ma et al. (journal), Fig. 10"),
    "unfolding-tables": Figure(
        "Users with two antennas, Rayleigh fading, 20 dB",
        "Hu et al., Tables I-III",
        "users",
        "number of users K",
        _MIMO,
        tuple({"antennas": m, "values": users} for m, users in MIMO_USERS.items()),
        kind="share",
        reference="wmmse-mimo",
        blocks={"quick": 30, "full": 300},
        printed=tuple(
            Published(method, {"antennas": m, "users": k}, share, "wmmse-mimo")
            for method, table in (("unfolding-mimo", IAIDNN), ("data-driven-perfect-mimo", BLACK_BOX))
            for (m, k), share in table.items()
        ),
    ),
    "unfolding-6": Figure(
        "Distribution of the sum rate, 64 antennas",
        "Hu et al., Fig. 6",
        "users",
        "sum rate (bit/s/Hz)",
        {method: legend for method, legend in _MIMO.items() if method != "rzf-mimo"},
        ({"antennas": 64},),
        MIMO_USERS[64],
        kind="cdf",
        reference="wmmse-mimo",
        blocks={"quick": 60, "full": 1000},
    ),
}
