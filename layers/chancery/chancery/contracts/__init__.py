"""Contracts: templates by version, PDF/A of a tenant's values, sealed like every record, kept under Object Lock."""
