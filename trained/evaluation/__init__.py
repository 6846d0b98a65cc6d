"""Reference rates, statistics, tables and curves."""
