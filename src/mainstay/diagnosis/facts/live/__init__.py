"""Rules about what only a collector sees, asking a machine or a database directly."""
