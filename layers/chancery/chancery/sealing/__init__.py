"""Sealing: each audit record becomes a leaf of its tenant's Merkle log, signed, and published under Object Lock."""
