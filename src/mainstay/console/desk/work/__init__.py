"""The second group of the rail: who is on call, and what is silenced."""
