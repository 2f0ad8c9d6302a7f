"""What is watched: checks, heartbeats, and the calendars that they go by."""
