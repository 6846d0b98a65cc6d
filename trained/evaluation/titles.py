"""What the methods that others are compared to are called, in every table and picture."""

REFERENCES = {
    "wmmse_perfect_csi": "WMMSE, perfect CSI",
    "zf_perfect_csi": "ZF, perfect CSI",
    "ls_zf_uplink": "LS + ZF",
}
