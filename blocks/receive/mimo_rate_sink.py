"""Sum rate of users with several antennas, at the end of the link."""

from blocks.receive.rate_sink import RateSink
from blocks.runtime import Signal
from sim.rate_mimo import sum_rate_mimo


class MIMORateSink(RateSink):
    """Collects the sum rate of every coherence block. Source: Hu et al., eq. 10.

    In:   h  (K, N, M) complex64   downlink channel of each user's N antennas
          v  (K, M, d) complex64   precoder of each user

    noise_power and result: see RateSink.
    """

    inputs = {"h": Signal("K", "N", "M"), "v": Signal("K", "M", "d")}

    def work(self, h, v):  # type: ignore[override]
        self.add(sum_rate_mimo(h, v, self.noise_power))
