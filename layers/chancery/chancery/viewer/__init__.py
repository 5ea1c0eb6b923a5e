"""The viewer: the web page in which people read records. Its source is in viewer/, docs/viewer.md describes it."""
