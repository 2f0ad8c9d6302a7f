"""What must hold of what is watched: checks, searches, telemetry."""
