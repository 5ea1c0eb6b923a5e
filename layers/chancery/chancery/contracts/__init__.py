"""Contracts: templates by version, PDF/A of a tenant's values, sealed like every record, stored under Object Lock."""
