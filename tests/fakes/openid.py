"""A small true OpenID provider on a real socket: codes count once, PKCE and the client are verified.

    with OpenId(client="mainstay", secret="s3cret") as provider:
        provider.user = {"sub": "42", "preferred_username": "mara", "groups": ["sre"]}

`claims` and `sign` let it lie, to see whether somebody notices. It signs everybody in as `user`
without asking; what a browser would show is not what is tested here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwk, jwt


@dataclass
class Code:
    """What was asked for when a code was given out."""

    asked: dict[str, str]
    user: dict[str, Any]


@dataclass
class OpenId:
    """The provider; `claims` are laid over what an honest one would say in its ID token."""

    client: str = "mainstay"
    secret: str | None = "s3cret"
    user: dict[str, Any] = field(default_factory=lambda: {"sub": "1"})
    claims: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    hidden: tuple[str, ...] = ()
    """Claims that stand in userinfo alone."""

    def __post_init__(self) -> None:
        self.key = jwk.RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.signer: Any = self.key
        self.codes: dict[str, Code] = {}
        self.access: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        """The paths that were asked for."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> OpenId:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def change_key(self) -> None:
        """From now on it signs with another key, and publishes that one alone."""
        self.key = jwk.RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
        self.signer = self.key

    # -- what it answers -----------------------------------------------------------------------

    def about(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/logout",
        }

    def keys(self) -> dict[str, Any]:
        return {"keys": [self.key.as_dict(private=False)]}

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent, with a code."""
        assert query["response_type"] == "code"
        assert query["client_id"] == self.client
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = Code(query, dict(self.user))
        return query["redirect_uri"] + "?" + urlencode({"code": code, "state": query["state"]})

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        code = self.codes.pop(form.get("code", ""), None)
        if code is None or form.get("grant_type") != "authorization_code":
            return 400, {"error": "invalid_grant"}
        if not self._is_client(form, authorization):
            return 401, {"error": "invalid_client"}
        verifier = form.get("code_verifier", "")
        hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        if hashed.decode().rstrip("=") != code.asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if form.get("redirect_uri") != code.asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        access = secrets.token_urlsafe(16)
        self.access[access] = code.user
        now = int(time.time())
        said = {k: v for k, v in code.user.items() if k not in self.hidden}
        honest = {
            **said, "iss": self.issuer, "aud": self.client, "iat": now, "exp": now + 300,
            "nonce": code.asked["nonce"],
        }  # fmt: skip
        claims = {k: v for k, v in (honest | self.claims).items() if v is not None}
        header = {"alg": self.algorithm, "kid": self.signer.kid}
        text = jwt.encode(header, claims, self.signer, algorithms=[self.algorithm])
        return 200, {"access_token": access, "token_type": "Bearer", "id_token": text}

    def _is_client(self, form: dict[str, str], authorization: str) -> bool:
        if self.secret is None:
            return form.get("client_id") == self.client
        expected = base64.b64encode(f"{self.client}:{self.secret}".encode()).decode()
        return authorization == f"Basic {expected}"


def _handler(provider: OpenId) -> type[BaseHTTPRequestHandler]:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            provider.asked.append(parts.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if parts.path == "/.well-known/openid-configuration":
                self._say(200, provider.about())
            elif parts.path == "/keys":
                self._say(200, provider.keys())
            elif parts.path == "/authorize":
                self.send_response(303)
                self.send_header("Location", provider.authorize(query))
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif parts.path == "/userinfo":
                access = self.headers.get("Authorization", "").removeprefix("Bearer ")
                user = provider.access.get(access)
                self._say(200 if user else 401, user or {})
            else:
                self._say(404, {})

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._say(*provider.token(form, self.headers.get("Authorization", "")))

        def _say(self, status: int, value: Any) -> None:
            raw = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    return Answering
