"""What agents make and use: their outputs, skills, research and tool calls; large bodies beside the documents."""
