"""Icinga 2's own language, read into a draft of the estate."""

from mainstay.estate.importers.icinga.carrying import read

__all__ = ["read"]
