"""The archive: each tenant's old months as compressed files under Object Lock, which prove themselves on return."""
