"""The other side of the base station, in GNU Radio 3.10: K users, the air, and what the users receive.

    /usr/bin/python3 flowgraphs/gnuradio/users.py                      a window with the received constellations
    /usr/bin/python3 flowgraphs/gnuradio/users.py --picture users.png  a picture after a few seconds, no display needed

It runs in the Python that GNU Radio is installed for and needs no calibeam there. users.grc is the same for GNU Radio Companion.
"""

import argparse
import os
import signal
import sys

from air import Air
from bursts import flat
from gnuradio import blocks, gr, zeromq
from receivers import Receivers

ANTENNAS, USERS, SYMBOLS = 64, 4, 64


class Users(gr.top_block):
    """Bursts -> uplink air -> ZeroMQ to the base station; ZeroMQ from it -> downlink air -> receivers -> constellations."""

    def __init__(self, uplink, downlink, block, offset, power_dbm, rate):
        gr.top_block.__init__(self, "users")  # blocks in Python live only as long as somebody here holds them
        sent = blocks.vector_source_c(flat(USERS, power_dbm), True, USERS)
        paced = blocks.throttle(gr.sizeof_gr_complex * USERS, rate)
        self.up = Air(USERS, ANTENNAS, "uplink", block, offset)
        to_base = zeromq.push_sink(gr.sizeof_gr_complex, ANTENNAS, uplink, 100, False, -1)
        from_base = zeromq.pull_source(gr.sizeof_gr_complex, ANTENNAS, downlink, 100, False, -1)
        self.down = Air(ANTENNAS, USERS, "downlink", block)
        self.receivers = Receivers(USERS, SYMBOLS)
        apart = blocks.vector_to_streams(gr.sizeof_gr_complex, USERS)
        self.connect(sent, paced, self.up, to_base)
        self.connect(from_base, self.down, self.receivers, apart)
        self.sinks = [constellation(f"user {k + 1}") for k in range(USERS)]
        for k, sink in enumerate(self.sinks):
            self.connect((apart, k), sink)


def constellation(title):
    from gnuradio import qtgui

    sink = qtgui.const_sink_c(1024, title, 1, None)
    sink.set_update_time(0.1)
    sink.set_x_axis(-1.5, 1.5)
    sink.set_y_axis(-1.5, 1.5)
    sink.set_line_alpha(0, 0.5)
    sink.disable_legend()
    return sink


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uplink", default="tcp://127.0.0.1:5555", help="where the base station hears the antennas (%(default)s)")
    parser.add_argument("--downlink", default="tcp://127.0.0.1:5556", help="where it sends precoded samples (%(default)s)")
    parser.add_argument("--block", type=int, default=6, help="which of the 16 coherence blocks in channels.npz (%(default)s)")
    parser.add_argument("--offset", type=float, default=5e-4, help="carrier offset, cycles per sample (%(default)s)")
    parser.add_argument("--power-dbm", type=float, default=10.0, help="of every user (%(default)s)")
    parser.add_argument("--rate", type=float, default=50e3, help="samples per second (%(default)s)")
    parser.add_argument("--picture", help="write the window to this .png after --seconds, and end")
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        if not options.picture:
            parser.error("there is no display; give --picture FILE.png")
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

    from PyQt5 import Qt  # isort: skip  (before sip)
    import sip

    app = Qt.QApplication(sys.argv[:1])
    top = Users(options.uplink, options.downlink, options.block, options.offset, options.power_dbm, options.rate)
    window = Qt.QWidget()
    window.setWindowTitle("calibeam: what the users receive")
    window.resize(900, 860)
    grid = Qt.QGridLayout(window)
    for k, sink in enumerate(top.sinks):
        grid.addWidget(sip.wrapinstance(sink.qwidget(), Qt.QWidget), k // 2, k % 2)
    window.show()
    signal.signal(signal.SIGINT, lambda *_: app.quit())
    beat = Qt.QTimer()  # lets Python see Ctrl-C
    beat.start(200)
    beat.timeout.connect(lambda: None)
    if options.picture:
        Qt.QTimer.singleShot(int(1000 * options.seconds), app.quit)
    top.start()
    app.exec_()
    if options.picture and not window.grab().save(options.picture):
        sys.exit(f"cannot write {options.picture}")
    top.stop()
    heard = top.receivers.count
    print(f"{heard} bursts received")
    for k, (evm, sinr_db) in enumerate(zip(top.receivers.evm, top.receivers.sinr_db, strict=True)):
        sinr = f"{sinr_db:.1f} dB" if sinr_db == sinr_db else f"- (below {top.receivers.trusted_db:.0f} dB a constellation cannot tell)"
        print(f"user {k + 1}: " + (f"EVM {evm:.1%}, SINR {sinr}" if heard else "nothing received"))
    sys.stdout.flush()
    os._exit(0 if heard else 1)  # Qt and GNU Radio may crash when the interpreter tears them down


if __name__ == "__main__":
    main()
