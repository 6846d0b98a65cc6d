"""Receivers and links out of names."""
