"""Live tail over WebSocket: connections, their subscriptions, and the fan-out of new records to them."""
