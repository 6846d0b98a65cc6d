"""What receivers make of it."""
