"""Numbers in print that ours stand beside: Hu et al., Tables I to III, users with two antennas at 20 dB."""

MIMO_USERS = {8: (1, 2, 3, 4), 16: (2, 4, 6, 8), 32: (4, 6, 8, 10, 12, 14, 16), 64: (10, 20)}
_ROWS = {
    8: ((13.13, 22.12, 27.74, 31.82), (0.9934, 0.9915, 0.9736, 0.9135), (0.9376, 0.9209, 0.9027, 0.8185)),
    16: ((25.93, 43.34, 53.66, 58.83), (0.9959, 0.9911, 0.9767, 0.9213), (0.9368, 0.9239, 0.8932, 0.8056)),
    32: (
        (51.53, 70.38, 85.95, 97.69, 104.78, 108.55, 113.22),
        (0.9984, 0.9969, 0.9928, 0.9913, 0.9876, 0.9739, 0.9263),
        (0.9352, 0.9286, 0.9157, 0.9003, 0.8816, 0.8524, 0.8039),
    ),
    64: ((123.15, 194.72), (0.9982, 0.9911), (0.9283, 0.9038)),
}


def _column(n: int) -> dict[tuple[int, int], float]:
    return {(m, k): value for m, users in MIMO_USERS.items() for k, value in zip(users, _ROWS[m][n], strict=True)}


WMMSE, IAIDNN, BLACK_BOX = map(_column, range(3))
"""By (antennas, users): rate of the best of 30 WMMSE starts, bit/s/Hz; shares of it that the two networks reach."""
