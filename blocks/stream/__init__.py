"""Samples, bursts and frames; files."""
