"""Event destinations: records of a tenant, delivered in order and at least once to where its people read them."""
