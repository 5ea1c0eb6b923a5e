"""Where record types meet: builds their services from the deployment's settings, once an execution environment."""
