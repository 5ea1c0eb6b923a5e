"""MongoDB: client, declared collections, repository, roles."""
