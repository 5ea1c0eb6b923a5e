"""Skills: Markdown that is put before agents, global or a tenant's own, with every version kept."""
