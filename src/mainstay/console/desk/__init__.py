"""The desk: every screen that people work at, by the three groups of its rail."""
