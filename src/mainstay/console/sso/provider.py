"""One OpenID provider: where it is, how a code becomes claims, and whether an ID token is its own.

Source: OpenID Connect Core 1.0 (§3.1 code flow, §3.1.3.7 ID token validation), Discovery 1.0, RFC
7636 (PKCE), RFC 9700 (best practice). Everything goes through the address guard.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

import msgspec
from joserfc import errors, jwk, jwt

from mainstay import people
from mainstay.console.sso import seed as seeds
from mainstay.foundation.clock import Clock
from mainstay.foundation.egress import Egress
from mainstay.foundation.egress import Reply as Heard
from mainstay.foundation.errors import BadReply, Forbidden, Outside
from mainstay.foundation.settings import Oidc
from mainstay.people import Grant
from mainstay.signin import Claims

DISCOVERY = "/.well-known/openid-configuration"
FRESH = timedelta(hours=1)
"""How long what the provider says about itself is kept."""
AGAIN = timedelta(seconds=30)
"""A key that we do not know makes us ask anew, at most this often: forgeries must not hammer it."""
LEEWAY_S = 60
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384")
"""Signatures by a key that the provider alone has: never `none`, never a shared secret."""
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Known:
    """What the provider says about itself."""

    about: Mapping[str, Any]
    keys: jwk.KeySet
    at: datetime


class Provider:
    """The provider of the settings; keeps what it says about itself for an hour."""

    def __init__(
        self, settings: Oidc, secret: str | None, *, egress: Egress, redirect_uri: str, clock: Clock
    ) -> None:
        """Invalid for a role that there is not."""
        self.settings = settings
        self.roles = roles_of(settings.roles)
        self.label = settings.label
        self._secret = secret
        self._egress = egress
        self._redirect_uri = redirect_uri
        self._clock = clock
        self._known: Known | None = None
        self._anew_at: datetime | None = None

    async def way(self, seed: str) -> str:
        """Where the browser goes to sign in."""
        about = (await self._about()).about
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": " ".join(self.settings.scopes),
            "state": seeds.state_of(seed),
            "nonce": seeds.nonce_of(seed),
            "code_challenge": seeds.challenge_of(seed),
            "code_challenge_method": "S256",
        }
        return _with(str(about["authorization_endpoint"]), asked)

    async def claims(self, code: str, seed: str) -> Claims:
        """What the provider says about whoever brought the code. Forbidden when it does not fit."""
        known = await self._about()
        tokens = await self._redeem(known, code, seed)
        text = str(tokens.get("id_token", ""))
        found = await self._verified(known, text, nonce=seeds.nonce_of(seed))
        if self.settings.roles and self.settings.groups not in found:
            found = await self._more(known, tokens, found) | found
        return Claims(
            issuer=str(found["iss"]), subject=str(found["sub"]),
            name=_text(found.get(self.settings.person)),
            is_address=self.settings.person == "email",
            is_verified=found.get("email_verified") is True,
            groups=_texts(found.get(self.settings.groups)), hint=text,
        )  # fmt: skip

    async def way_out(self, hint: str, *, back: str) -> str | None:
        """Where the browser goes to sign out there too (RP-Initiated Logout); None: nowhere."""
        try:
            end = (await self._about()).about.get("end_session_endpoint")
        except Outside:
            return None
        if not isinstance(end, str) or not end.startswith("https:" if self._is_tls else "http"):
            return None
        client = self.settings.client_id
        words = {"id_token_hint": hint, "post_logout_redirect_uri": back, "client_id": client}
        return _with(end, words)

    # -- asking it -----------------------------------------------------------------------------

    @property
    def _is_tls(self) -> bool:
        return self.settings.issuer.startswith("https:")

    async def _about(self, *, anew: bool = False) -> Known:
        known, now = self._known, self._clock.now()
        anew = anew and (self._anew_at is None or now - self._anew_at >= AGAIN)
        if known is not None and not anew and now - known.at < FRESH:
            return known
        if anew:
            self._anew_at = now
        about = _object(await self._egress.request("GET", self.settings.issuer + DISCOVERY))
        if str(about.get("issuer", "")).rstrip("/") != self.settings.issuer:
            raise BadReply(
                f"The provider calls itself {str(about.get('issuer'))[:200]!r}, and sign_in.oidc.issuer "
                f"is {self.settings.issuer!r}; write it as it does."
            )
        for name in _NEEDED:
            if not str(about.get(name, "")).startswith("https:" if self._is_tls else "http"):
                raise BadReply(f"The provider names no {name} that we could use.")
        held = _object(await self._egress.request("GET", str(about["jwks_uri"])))
        try:
            keys = jwk.KeySet.import_key_set(held)  # type: ignore[arg-type]
        except (errors.JoseError, ValueError, KeyError, TypeError) as error:
            raise BadReply("The provider's keys cannot be read.") from error
        self._known = Known(about, keys, now)
        return self._known

    async def _redeem(self, known: Known, code: str, seed: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": seeds.verifier_of(seed),
        }
        headers = {
            "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"
        }  # fmt: skip
        if self._secret is None:
            form["client_id"] = self.settings.client_id
        else:
            pair = f"{quote_plus(self.settings.client_id)}:{quote_plus(self._secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        reply = await self._egress.request(
            "POST", str(known.about["token_endpoint"]), headers=headers,
            body=urlencode(form).encode(),
        )  # fmt: skip
        if 400 <= reply.status < 500:
            raise Forbidden("The provider did not take what this browser brought back; try again.")
        return _object(reply)

    async def _verified(self, known: Known, text: str, *, nonce: str) -> dict[str, Any]:
        """The claims of an ID token that is this provider's, for us, of now and of this sign-in."""
        try:
            token = jwt.decode(text, known.keys, algorithms=ALGORITHMS)
        except (errors.JoseError, ValueError):
            newer = await self._about(anew=True)  # it may have a new key
            try:
                token = jwt.decode(text, newer.keys, algorithms=ALGORITHMS)
            except (errors.JoseError, ValueError) as error:
                raise Forbidden("The provider's answer is not signed by it.") from error
        found = dict(token.claims)
        ours = self.settings.client_id
        rules = jwt.JWTClaimsRegistry(
            now=int(self._clock.now().timestamp()), leeway=LEEWAY_S,
            iss={"essential": True, "value": str(known.about["issuer"])},
            aud={"essential": True, "value": ours}, sub={"essential": True},
            exp={"essential": True}, iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )  # fmt: skip
        try:
            rules.validate(found)
        except errors.JoseError as error:
            raise Forbidden("The provider's answer is not for this sign-in.") from error
        several = isinstance(found["aud"], list) and len(found["aud"]) > 1
        if found.get("azp", None if several else ours) != ours:
            raise Forbidden("The provider's answer is for another program.")
        return found

    async def _more(
        self, known: Known, tokens: Mapping[str, Any], found: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What its userinfo endpoint adds about the same subject; some keep groups there."""
        place = known.about.get("userinfo_endpoint")
        access = tokens.get("access_token")
        if not isinstance(place, str) or not isinstance(access, str):
            return {}
        headers = {"Authorization": f"Bearer {access}", "Accept": "application/json"}
        more = _object(await self._egress.request("GET", place, headers=headers))
        return dict(more) if more.get("sub") == found["sub"] else {}


def roles_of(lines: Iterable[str]) -> Mapping[str, tuple[Grant, ...]]:
    """Group → roles, from the lines of the settings (`sre-payops=responder/payops`)."""
    found: dict[str, tuple[Grant, ...]] = {}
    for line in lines:
        group, _, held = line.rpartition("=")
        role, _, team = held.partition("/")
        what = Grant(role.strip(), team.strip() or None)
        people.check_grant(what, teams=(what.team,) if what.team else ())
        found[group.strip()] = (*found.get(group.strip(), ()), what)
    return found


def _with(url: str, words: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(words)}"


def _object(reply: Heard) -> Mapping[str, Any]:
    """The JSON object of an answer that says yes."""
    if reply.status != 200:
        raise BadReply(f"The provider answered with {reply.status}.")
    try:
        found = msgspec.json.decode(reply.body)
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, dict):
        raise BadReply("The provider's answer cannot be read.")
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
