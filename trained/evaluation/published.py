"""Numbers in print that ours stand beside: Hu et al., Tables I to III, users with two antennas at 20 dB."""

MIMO_USERS = {8: (1, 2, 3, 4), 16: (2, 4, 6, 8), 32: (4, 6, 8, 10, 12, 14, 16), 64: (10, 20)}
_ROWS = {8: ((13.13, 22.12, 27.74, 31.82), (.9934, .9915, .9736, .9135), (.9376, .9209, .9027, .8185)),
         16: ((25.93, 43.34, 53.66, 58.83), (.9959, .9911, .9767, .9213), (.9368, .9239, .8932, .8056)),
         32: ((51.53, 70.38, 85.95, 97.69, 104.78, 108.55, 113.22), (.9984, .9969, .9928, .9913, .9876, .9739, .9263),
              (.9352, .9286, .9157, .9003, .8816, .8524, .8039)),
         64: ((123.15, 194.72), (.9982, .9911), (.9283, .9038))}


def _column(n: int) -> dict[tuple[int, int], float]:
    return {(m, k): value for m, users in MIMO_USERS.items() for k, value in zip(users, _ROWS[m][n], strict=True)}


WMMSE, IAIDNN, BLACK_BOX = map(_column, range(3))
"""By (antennas, users): rate of the best of 30 WMMSE starts, bit/s/Hz; shares of it that the two networks reach."""
