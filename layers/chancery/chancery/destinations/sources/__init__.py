"""Sources of events: audit records, log lines, and what the platform reports besides."""
