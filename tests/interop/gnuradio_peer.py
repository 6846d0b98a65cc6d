"""The GNU Radio side of the interoperability tests; runs in the Python that GNU Radio is installed for.

    python3 gnuradio_peer.py '{"job": "send", "socket": "push", "endpoint": "ipc:///tmp/x", ...}'

send: items 0, 1, 2, ... through a ZMQ sink, with a tag every `tag_every` items; receive: items of a ZMQ source to a .npy file, their
tags to standard output; send_messages, receive_messages: serialised PMTs, in hexadecimal, through the message blocks.
"""

import json
import signal
import sys
import time

import numpy as np
import pmt
from gnuradio import blocks, gr, zeromq


def main(job, socket, endpoint, vlen=1, tags=False, key="", count=0, tag_every=0, file="", messages=()):
    signal.alarm(60)  # ends this process whatever becomes of its test
    top = gr.top_block()
    keyed = {"key": key} if key else {}
    if job == "send":
        data = (np.arange(count * vlen) % 65536).astype(np.complex64) * (1 - 1j)
        values = {n: pmt.make_tuple(pmt.from_uint64(n), pmt.from_double(n / 4)) for n in range(0, count, tag_every)}
        noted = [gr.tag_utils.python_to_tag((n, pmt.intern(f"tag{n}"), value, pmt.PMT_F)) for n, value in values.items()]
        sink = getattr(zeromq, f"{socket}_sink")(8, vlen, endpoint, 100, tags, -1, **keyed)
        top.connect(blocks.vector_source_c(data, False, vlen, noted), sink)
        time.sleep(0.7)  # the sink is bound; a subscriber needs a moment to come
        top.start()
        time.sleep(20)
        return
    if job == "receive":
        source = getattr(zeromq, f"{socket}_source")(8, vlen, endpoint, 100, tags, -1, **keyed)
        sink = blocks.vector_sink_c(vlen)
        top.connect(source, blocks.head(8 * vlen, count), sink)
        top.start()
        print("ready", flush=True)
        while len(sink.data()) < count * vlen:  # a ZMQ source never ends, so neither does the graph
            time.sleep(0.02)
        np.save(file, np.array(sink.data(), np.complex64))
        json.dump([[t.offset, *(pmt.serialize_str(v).hex() for v in (t.key, t.value, t.srcid))] for t in sink.tags()], sys.stdout)
        top.stop()
    if job == "send_messages":
        sink = getattr(zeromq, f"{socket}_msg_sink")(endpoint, 100, True)
        top.msg_connect(blocks.message_strobe(pmt.PMT_NIL, 10**6), "strobe", sink, "in")  # a block runs only where it is connected
        time.sleep(0.7)
        top.start()
        for content in messages:
            sink.to_basic_block()._post(pmt.intern("in"), pmt.deserialize_str(bytes.fromhex(content)))
        time.sleep(20)
    if job == "receive_messages":
        source, debug = getattr(zeromq, f"{socket}_msg_source")(endpoint, 100, False), blocks.message_debug()
        top.msg_connect(source, "out", debug, "store")
        top.start()
        print("ready", flush=True)
        while debug.num_messages() < count:
            time.sleep(0.01)
        print(json.dumps([pmt.serialize_str(debug.get_message(n)).hex() for n in range(count)]), flush=True)
        top.stop()


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
