"""Checks: what must be so, looked at again and again."""
