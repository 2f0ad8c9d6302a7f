"""What comes back from the SMS provider: a person's answer, with the provider's signature on it."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping

from mainstay.foundation.errors import Invalid


def verify_twilio(url: str, params: Mapping[str, str], *, signature: str, token: str) -> bool:
    """Whether `X-Twilio-Signature` signs this call; constant-time, malformed is False.

    `url` is the full one that the provider called, query included, as the provider knows it
    (behind a proxy: the public one). Source: Twilio's "Webhooks security", HMAC-SHA1 over the URL
    followed by each form field's name and value, sorted by name.
    """
    signed = url + "".join(name + params[name] for name in sorted(params))
    digest = hmac.new(token.encode(), signed.encode("utf-8", "replace"), "sha1").digest()
    return hmac.compare_digest(base64.b64encode(digest), signature.encode("utf-8", "replace"))


def read_reply(params: Mapping[str, str]) -> tuple[str, str]:
    """The number that wrote, and what it wrote, without the spaces around it."""
    number, text = params.get("From", "").strip(), params.get("Body")
    if not number or text is None:
        raise Invalid("An SMS reply needs the fields From and Body.")
    return number, text.strip()
