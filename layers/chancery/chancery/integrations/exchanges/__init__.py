"""The exchange log: each request to another system and its response, redacted, with duration, outcome and retries."""
