"""Who is calling: principals, roles, tokens."""
