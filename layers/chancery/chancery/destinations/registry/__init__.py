"""Destinations as callers manage them: settings, secrets, tests, deliveries, replays, health."""
