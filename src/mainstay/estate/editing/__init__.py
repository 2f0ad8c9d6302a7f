"""Changing the files of an estate as a person would: what is not changed stays as it was written.

Folder   the files as they are now; what one would be; its patch; writing it
rewritten   the text of a file with one thing in it declared otherwise
"""

from __future__ import annotations

from mainstay.estate.editing.folder import Declared, File, Folder, open_folder
from mainstay.estate.editing.patches import PatchLine, patch, patch_lines
from mainstay.estate.editing.rewriting import rewritten

__all__ = [
    "Declared",
    "File",
    "Folder",
    "PatchLine",
    "open_folder",
    "patch",
    "patch_lines",
    "rewritten",
]
