"""The engine of destinations: makes deliveries of events, and sends them until each is delivered or has failed."""
