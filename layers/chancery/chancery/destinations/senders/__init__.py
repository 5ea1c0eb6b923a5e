"""How each kind of destination takes messages: payloads, signatures, credentials, and what its answers mean."""
