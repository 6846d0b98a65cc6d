"""From received pilots to channels."""
