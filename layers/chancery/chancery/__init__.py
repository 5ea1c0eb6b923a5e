"""Chancery, the record office of a multi-tenant SaaS."""

__version__ = "0.1.0"
