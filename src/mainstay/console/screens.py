"""The one table of screens: method, path, permission, who answers. The census test is made from it."""

from __future__ import annotations

from mainstay.console import answering
from mainstay.console.desk import serving
from mainstay.console.door import signing_in, welcome
from mainstay.console.gate import OPEN, SELF, SIGN_IN, Screen
from mainstay.signin import PATH as WELCOME

SCREENS: tuple[Screen, ...] = (
    Screen("GET", "/static/{name:path}", OPEN, answering.file),
    Screen("GET", SIGN_IN, OPEN, signing_in.form),
    Screen("POST", SIGN_IN, OPEN, signing_in.sign_in),
    Screen("POST", "/sign-out", SELF, signing_in.sign_out),
    Screen("GET", WELCOME + "{link}", OPEN, welcome.form),
    Screen("POST", WELCOME + "{link}", OPEN, welcome.come_in),
    *serving.screens(),
)
