"""What agents produce and use: outputs, skills, research and tool calls; and the storage of large bodies."""
