"""Ratios against the raw driver, measured in one run on one machine. Absolute figures mean nothing elsewhere."""
