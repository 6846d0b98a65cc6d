"""Formats that radio software speaks: GNU Radio's polymorphic types and stream tags."""
