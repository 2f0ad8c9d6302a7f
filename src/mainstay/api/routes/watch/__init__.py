"""What is watched: heartbeats."""
