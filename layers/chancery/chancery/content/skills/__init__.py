"""Skills: Markdown that agents read before a task, global or a tenant's own; every version is stored."""
