"""Options that a choice of others leaves without effect."""

from __future__ import annotations

from flowgraphs.wiring.radio import Input, Output, Sync


def refuse_options_without_effect(given: set[str], source: Input, sync: Sync | None, sink: Output) -> None:
    """Raise ValueError that names the first option in `given` which has no effect with this input and output, and what it is for."""
    streams_in, messages_in = source is Input.gnuradio, source is Input.pdus
    samples_out = sink in (Output.samples, Output.srsran)
    rules = (
        ("sync", source is not Input.pdus, "an input of samples; PDUs hold received pilots"),
        ("preamble", sync is Sync.preamble, "--sync preamble"),
        ("threshold", sync is Sync.preamble, "--sync preamble"),
        ("tag", sync is Sync.tag, "--sync tag"),
        ("input_socket", streams_in or messages_in, "--from gnuradio or pdus"),
        ("input_key", streams_in, "--from gnuradio"),
        ("input_tags", streams_in, "--from gnuradio"),
        ("bind_input", source in (Input.frames, Input.pdus, Input.gnuradio), "--from frames, pdus or gnuradio"),
        ("symbols", samples_out, "--to samples or srsran"),
        ("order", samples_out, "--to samples or srsran"),
        ("seed", samples_out, "--to samples or srsran"),
        ("output_socket", sink in (Output.samples, Output.pdus), "--to samples or pdus"),
        ("output_key", sink is Output.samples, "--to samples"),
        ("output_tags", sink is Output.samples, "--to samples"),
        ("bind_output", sink is not Output.srsran, "--to frames, pdus or samples"),
        ("layout", streams_in or sink is Output.samples, "samples of GNU Radio: --from gnuradio or --to samples"),
    )
    for name, effective, purpose in rules:
        if name in given and not effective:
            raise ValueError(f"--{name.replace('_', '-')} has no effect here: it is for {purpose}")
