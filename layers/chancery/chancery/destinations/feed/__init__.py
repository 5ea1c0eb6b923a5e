"""The feed: events of a tenant for readers that cannot receive, with an opaque cursor or a named consumer."""
