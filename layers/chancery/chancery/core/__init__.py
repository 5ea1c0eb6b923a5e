"""What every record type stands on; imports no record type."""
