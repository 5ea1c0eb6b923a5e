"""Tenants: what each of them sets for its records, and trying out how they would be redacted."""
