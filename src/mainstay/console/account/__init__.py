"""Accounts on screen: one's own, and for administrators those of others."""
