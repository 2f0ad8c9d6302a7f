"""The option that says where a backup's passphrase is; never the passphrase itself."""

from __future__ import annotations

import click

from mainstay.cli.desk import Desk
from mainstay.foundation import backup
from mainstay.foundation.secrets import resolve

PASSPHRASE = click.option(
    "--passphrase",
    metavar="REFERENCE",
    help="Where the backup's passphrase or key file is: file:/path or env:NAME. "
    "The setting backup.passphrase if not given.",
)


def passphrase_of(desk: Desk, reference: str | None) -> str | None:
    """The passphrase that the option or the settings point to; None when neither does."""
    if reference is not None:
        return resolve(reference, environment=desk.environment)
    return backup.passphrase_of(desk.settings().settings, environment=desk.environment)
