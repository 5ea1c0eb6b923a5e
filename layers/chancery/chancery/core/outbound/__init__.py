"""HTTP requests to other systems: a client whose destinations are checked and whose every step is bounded."""
