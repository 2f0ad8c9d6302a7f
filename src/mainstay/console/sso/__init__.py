"""Single sign-on by OpenID Connect: its library is an extra, loaded where the settings ask for it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from mainstay.foundation.clock import Clock
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import Invalid
from mainstay.foundation.secrets import resolve
from mainstay.foundation.settings import Settings

BACK = "/sign-in/sso/back"
"""Where the provider sends people back to: register public_url + this there."""


def make_provider(settings: Settings, *, environment: Mapping[str, str], clock: Clock) -> Any:
    """The provider of the settings (`console.sso.provider.Provider`), or None where none is set.

    Invalid when its library is not installed, or its secret cannot be read.
    """
    oidc = settings.sign_in.oidc
    if oidc is None:
        return None
    try:
        module = importlib.import_module("mainstay.console.sso.provider")
    except ModuleNotFoundError as error:
        raise Invalid("Single sign-on needs its library: pip install 'mainstay[oidc]'.") from error
    secret = resolve(oidc.client_secret, environment=environment) if oidc.client_secret else None
    ca_file = str(oidc.ca_file) if oidc.ca_file else None
    egress = Egress(frozenset(settings.egress.allow) | {oidc.place}, ca_file=ca_file)
    redirect_uri = settings.public_url + BACK
    return module.Provider(oidc, secret, egress=egress, redirect_uri=redirect_uri, clock=clock)
