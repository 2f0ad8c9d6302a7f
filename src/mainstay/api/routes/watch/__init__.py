"""Routes of what is watched: checks, and the calendars that they go by."""
