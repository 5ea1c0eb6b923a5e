"""The HTTP edge: requests, validation, answers, routes."""
