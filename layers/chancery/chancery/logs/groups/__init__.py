"""Groups of errors: the same fault, by its fingerprint, with a status."""
