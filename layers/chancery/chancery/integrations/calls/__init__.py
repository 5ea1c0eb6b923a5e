"""Managed calls: Chancery sends the request to an external system, and retries, limits and logs it."""
