"""Mainstay: production support in one program. Start reading at `pipeline.py`."""

__version__ = "0.1.0"
