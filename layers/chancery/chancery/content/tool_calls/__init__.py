"""What agents sent to their tools and what came back: whole, of any size up to 100 MB, for ninety days."""
