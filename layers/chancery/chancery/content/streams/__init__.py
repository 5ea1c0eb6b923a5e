"""Activity streams: text that agents write in small pieces, and that readers follow while it is written."""
