"""Machines and what runs on them, asked directly: one file for each kind."""
