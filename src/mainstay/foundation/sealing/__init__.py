"""Sealed secrets: what must be read again lies in the database encrypted, under a key that does not.

AES-256-GCM. Each value is bound to its cell (table, column, row), so that it opens nowhere else, and
names its key, so that the key can be changed. `keys.py` is where keys are, `ring.py` opens and seals,
`canary.py` knows which key a database is under (docs/decisions/0014-sealed-secrets.md).
"""

from mainstay.foundation.sealing.canary import check, in_force, row_in_force
from mainstay.foundation.sealing.keys import Key, Keys, keys_in, new_key
from mainstay.foundation.sealing.ring import (
    Cell,
    Change,
    Ring,
    is_sealed,
    key_of,
    put_in_force,
    seal_under,
)

__all__ = [
    "Cell",
    "Change",
    "Key",
    "Keys",
    "Ring",
    "check",
    "in_force",
    "is_sealed",
    "key_of",
    "keys_in",
    "new_key",
    "put_in_force",
    "row_in_force",
    "seal_under",
]
