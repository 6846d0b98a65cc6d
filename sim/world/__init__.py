"""Where channels come from: rooms and their tracer, measured and stored scenarios, fading models."""
