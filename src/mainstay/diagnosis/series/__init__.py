"""Metrics as evidence: what changed, by how much of its usual wander, and whose own excess it is."""
