"""Backups: written on line, checked, kept for a while, restored into an empty folder.

`write.py` says what is in one, `sealed_file.py` how it is encrypted, `restored.py` what a restored
install does differently from the one that was lost.
"""

from mainstay.foundation.backup.keep import made_at, prune
from mainstay.foundation.backup.made import (
    Made,
    before_upgrade,
    make,
    make_and_prune,
    passphrase_of,
)
from mainstay.foundation.backup.manifest import Chain, Manifest, Table
from mainstay.foundation.backup.read import Backup, is_backup, key_of, open_backup
from mainstay.foundation.backup.restored import Restored, fill, restore
from mainstay.foundation.backup.write import file_name, write_backup

__all__ = [
    "Backup",
    "Chain",
    "Made",
    "Manifest",
    "Restored",
    "Table",
    "before_upgrade",
    "file_name",
    "fill",
    "is_backup",
    "key_of",
    "made_at",
    "make",
    "make_and_prune",
    "open_backup",
    "passphrase_of",
    "prune",
    "restore",
    "write_backup",
]
