"""Shared by all record types; imports none of them."""
