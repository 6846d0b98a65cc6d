"""Physics and signal math of the FDD massive-MIMO link: pure functions and frozen dataclasses on arrays."""
