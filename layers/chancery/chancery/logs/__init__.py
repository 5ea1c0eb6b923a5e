"""Operational logs: intake, storage and the sequence that live views follow. A kind of log is one entry of `kinds`."""
