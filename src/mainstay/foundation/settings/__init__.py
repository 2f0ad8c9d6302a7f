"""Settings: how this install runs. What is supported is the estate's; what happened, the database's.

Four layers, each over the one before: defaults, a TOML file, the environment (`MAINSTAY_LISTEN`,
nested `MAINSTAY_SMTP__HOST`, lists with commas), flags. `load` says where each value came from and
reports every mistake at once. No setting holds a secret, only where one is (`env:`, `file:`).
"""

from __future__ import annotations

from mainstay.foundation.settings.layers import FILE_NAME, Origin, find_file
from mainstay.foundation.settings.load import Loaded, load, references
from mainstay.foundation.settings.values import (
    AlarmMail,
    AlarmWebhook,
    Audit,
    Backup,
    Egress,
    HostPort,
    LimitSettings,
    Oidc,
    Secrets,
    Settings,
    Sms,
    Smtp,
    WatchdogSettings,
    host_port,
)

__all__ = [
    "FILE_NAME",
    "AlarmMail",
    "AlarmWebhook",
    "Audit",
    "Backup",
    "Egress",
    "HostPort",
    "LimitSettings",
    "Loaded",
    "Oidc",
    "Origin",
    "Secrets",
    "Settings",
    "Sms",
    "Smtp",
    "WatchdogSettings",
    "find_file",
    "host_port",
    "load",
    "references",
]
