"""How estate files are read: YAML with marks, short forms, checks; each a step of `estate.read`."""
