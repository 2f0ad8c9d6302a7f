"""The one table of screens: method, path, permission, who answers. The census test is made from it."""

from __future__ import annotations

from mainstay.console import answering
from mainstay.console.account import others, own
from mainstay.console.desk import serving
from mainstay.console.desk.books import finding
from mainstay.console.desk.duty import files
from mainstay.console.door import signing_in, welcome
from mainstay.console.gate import ACCOUNT, CODES, OPEN, SELF, SIGN_IN, Screen
from mainstay.console.sso import BACK
from mainstay.console.sso import screens as sso
from mainstay.signin import PATH as WELCOME

_ONE = "/accounts/{person}"

SCREENS: tuple[Screen, ...] = (
    Screen("GET", "/static/{name:path}", OPEN, answering.file),
    Screen("GET", "/sw.js", OPEN, answering.worker),
    Screen("GET", SIGN_IN, OPEN, signing_in.form),
    Screen("POST", SIGN_IN, OPEN, signing_in.sign_in),
    Screen("POST", "/sign-out", SELF, signing_in.sign_out, before_codes=True),
    Screen("GET", f"{SIGN_IN}/sso", OPEN, sso.begin),
    Screen("GET", BACK, OPEN, sso.back),
    Screen("GET", WELCOME + "{link}", OPEN, welcome.form),
    Screen("POST", WELCOME + "{link}", OPEN, welcome.come_in),
    Screen("GET", ACCOUNT, SELF, own.screen),
    Screen("POST", f"{ACCOUNT}/password", SELF, own.change_password),
    Screen("GET", CODES, SELF, own.codes, before_codes=True),
    Screen("POST", CODES, SELF, own.confirm_codes, before_codes=True),
    Screen("POST", f"{CODES}/begin", SELF, own.begin_codes, before_codes=True),
    Screen("POST", f"{CODES}/end", SELF, own.end_codes),
    Screen("POST", f"{ACCOUNT}/sessions/{{id}}/end", SELF, own.end_session),
    Screen("GET", "/accounts", "people.review", others.everybody),
    Screen("POST", "/accounts", "people.account", others.invite),
    Screen("GET", _ONE, "people.review", others.one),
    Screen("POST", f"{_ONE}/reset", "people.account", others.reset),
    Screen("POST", f"{_ONE}/sign-out", "people.account", others.sign_out),
    Screen("POST", f"{_ONE}/codes-off", "people.account", others.codes_off),
    Screen("POST", f"{_ONE}/close", "people.account", others.close),
    Screen("POST", f"{_ONE}/roles", "people.grant", others.grant),
    Screen("POST", f"{_ONE}/roles/end", "people.grant", others.end_role),
    Screen("GET", "/checklist-files/{id}", "handover.read", files.attached),
    Screen("GET", "/checklist-runs/{run}/report", "handover.read", files.report),
    Screen("GET", "/find", finding.PERMISSION, finding.screen),
    Screen("POST", "/find", finding.PERMISSION, finding.find),
    *serving.screens(),
)
