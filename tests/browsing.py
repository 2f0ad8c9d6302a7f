"""A browser for tests of the console, without one: keeps its cookie, sends its Origin, reads forms.

mara = Visitor(mainstay)
mara.join("mara", "lead")
answer = mara.post("/sign-out")
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from live import Live, Reply
from mainstay import people, signin
from mainstay.people import Grant

PASSWORD = "a long walk by the lake"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Visitor:
    """One browser window."""

    mainstay: Live
    cookie: str = ""
    seen: dict[str, str] = field(default_factory=dict)
    """Cookie → the token of its forms, as the first screen carried it."""

    def get(self, path: str, **headers: str) -> Reply:
        """A screen; redirects are not followed."""
        return self._kept(self.mainstay.call("GET", path, headers=self._headers(headers)))

    def post(
        self, path: str, fields: Mapping[str, str] | None = None, *, csrf: bool = True,
        **headers: str,
    ) -> Reply:  # fmt: skip
        """A form, with the token of its session (`csrf=False`: without)."""
        own = {"csrf": self.csrf} if csrf and self.cookie else {}
        sent = {"Origin": self.mainstay.url, "Content-Type": FORM, **headers}
        body = urlencode(own | dict(fields or {})).encode()
        return self._kept(self.mainstay.call("POST", path, body, headers=self._headers(sent)))

    def link(self, kind: str, person: str | None = None) -> str:
        """The path of a fresh one-time link."""
        now = self.mainstay.runtime.clock.now()
        text = self.mainstay.runtime.db.run(
            lambda tx: signin.make_link(tx, kind, person=person, made_by="a test", now=now)
        )
        return signin.PATH + text

    def join(self, person: str, role: str | None = None, team: str | None = None) -> Reply:
        """Come in by an invitation, with a role."""
        runtime = self.mainstay.runtime
        if role is not None:
            what, now = Grant(role, team), runtime.clock.now()
            runtime.db.run(
                lambda tx: people.grant(
                    tx, runtime.ground.ids, person=person, what=what, by="a test", now=now
                )
            )
        fields = {"password": PASSWORD, "again": PASSWORD}
        return self.post(self.link("invite", person), fields)

    def sign_in(self, person: str, password: str = PASSWORD, code: str = "") -> Reply:
        """By name and password."""
        return self.post("/sign-in", {"name": person, "password": password, "code": code})

    @property
    def csrf(self) -> str:
        """What our own forms of this session carry."""
        if self.cookie not in self.seen:
            found = re.search(rb'name="csrf" value="(\w+)"', self.get("/account").body)
            self.seen[self.cookie] = found[1].decode() if found else ""
        return self.seen[self.cookie]

    def _headers(self, more: Mapping[str, str]) -> dict[str, str]:
        cookie = {"Cookie": f"__Host-mainstay={self.cookie}"} if self.cookie else {}
        return cookie | {name.replace("_", "-"): value for name, value in more.items()}

    def _kept(self, reply: Reply) -> Reply:
        given = re.search(r"__Host-mainstay=([^;]*)", reply.headers.get("set-cookie", ""))
        if given is not None:
            self.cookie = given[1].strip('"')
        return reply
