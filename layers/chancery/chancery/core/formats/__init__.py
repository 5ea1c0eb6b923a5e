"""Formats of values: canonical JSON, identifiers, times, correlation."""
