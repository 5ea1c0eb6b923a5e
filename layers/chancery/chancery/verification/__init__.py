"""Offline verification: records, exports and logs against signed checkpoints, with nothing but files and a key."""
