"""From channels to what the antennas send."""
