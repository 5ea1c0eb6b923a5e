"""Calls to other systems: their registry, transforms, exchange log and managed calls."""
