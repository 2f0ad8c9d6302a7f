"""Is time given, is the world kept outside, and is every broad `except` one of the lawful few?"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatch

import pytest
from house_plan import FLOOR_OF
from house_tree import Module, imports, modules, parse_all

CLOCK = "take `now` as a parameter"
FORBIDDEN = {
    "datetime.datetime.now": CLOCK,
    "datetime.datetime.utcnow": CLOCK,
    "datetime.datetime.today": CLOCK,
    "datetime.date.today": CLOCK,
    "time.time": CLOCK,
    "time.time_ns": CLOCK,
    "time.sleep": "set a due row, or return when to be called again",
    "asyncio.sleep": "set a due row, or return when to be called again",
    "print": "return what there is to say; cli/ prints",
    "input": "only cli/ asks people",
    "os.environ": "take settings as a parameter",
    "os.getenv": "take settings as a parameter",
}
AT_THE_EDGE = {
    "foundation/clock.py": "time",
    "loops.py": "time asyncio",
    "app.py": "time asyncio os",
    "__main__.py": "time asyncio os print input",
    "running.py": "os print",
    "watchdog/__main__.py": "asyncio os",
    "watchdog/rounds.py": "asyncio",
    "logstore/*": "time asyncio os",
    "demo/*": "time asyncio os print input datetime",
    "cli/*": "time asyncio os print input datetime",
    "api/server.py": "time asyncio os",
}
"""Which files may use which of the above, by the first part of the name."""

WORLD = [
    "fastapi",
    "starlette",
    "uvicorn",
    "jinja2",
    "requests",
    "httpx",
    "httpcore",
    "aiohttp",
    "urllib.request",
    "http.client",
    "http.server",
    "socket",
    "smtplib",
    "subprocess",
]
OUTSIDE = (
    "*/formats/*",
    "*/channels/*",
    "*/probes/*",
    "*/connectors/*",
    "*/collectors/*",
    "foundation/egress.py",
    "foundation/addresses.py",  # the address guard of egress
)
"""Files of rooms that may speak to the outside."""

BROAD = {
    "web/*": (1, "the HTTP edge"),
    "console/desk/render.py": (1, "a part of a screen that fails leaves the rest standing"),
    "loops.py": (4, "the worker loop, the delivery loop, a bad batch and its culprit (P10)"),
    "diagnosis/live/gather.py": (1, "a collector that is broken is a note of the diagnosis"),
    "watching/checking.py": (
        2,
        "the loop of the checks; a probe that is broken is a look that failed",
    ),
    "watchdog/__main__.py": (1, "the watchdog's own loop"),
    "app.py": (1, "a channel that is broken is an outcome of the send, like any other"),
    "cli/*": (1, "the CLI's main; or in __main__.py"),
    "__main__.py": (1, "the CLI's main; or in cli/"),
    "foundation/db/*": (4, "the writers hand each error to the caller who waits for it"),
}
"""Where `except Exception` is lawful, how often and why."""


def takers(tree: Sequence[Module]) -> list[str]:
    """Rooms that take the time, the environment or the terminal themselves."""
    faults = []
    for module in tree:
        allowed = next((w for p, w in AT_THE_EDGE.items() if fnmatch(_below(module), p)), "")
        for node, name in module.uses:
            for forbidden, instead in FORBIDDEN.items():
                inside = name == forbidden or name.startswith(forbidden + ".")
                if inside and forbidden.split(".")[0] not in allowed.split():
                    faults.append(module.fault(node, f"{forbidden} in {module.room}: {instead}"))
    return faults


def worldly(tree: Sequence[Module]) -> list[str]:
    """Rooms (floors 0 to 4) that import HTTP, sockets, templates or processes."""
    faults = []
    for module in tree:
        if FLOOR_OF.get(module.room, 0) > 4 or any(fnmatch(_below(module), p) for p in OUTSIDE):
            continue
        for node, target, name in imports(module):
            if any(_within(full, WORLD) for full in (target, f"{target}.{name}")):
                faults.append(
                    module.fault(node, f"{target} in {module.room}: only formats/, channels/, "
                    "probes/, connectors/, collectors/, foundation/egress.py and doors speak to the "
                    "outside"))  # fmt: skip
    return sorted(set(faults))


def stateful(tree: Sequence[Module]) -> list[str]:
    """State kept in a module: `global`, and lists, dicts or sets that are not constants."""
    faults = []
    for module in tree:
        for node in module.nodes:
            if isinstance(node, ast.Global):
                faults.append(module.fault(node, "global: keep it in what app.open returns"))
        for node in module.tree.body:
            for name in _mutable_names(node):
                faults.append(
                    module.fault(node, f"{name} is state in a module: keep it in what app.open "
                    "returns; if it is a constant, write it in CAPITALS"))  # fmt: skip
    return faults


def broad_excepts(tree: Sequence[Module]) -> list[str]:
    """`except Exception` (or broader) beyond the lawful places; clean-up that re-raises is free."""
    faults = []
    seen: Counter[str] = Counter()
    for module in tree:
        place = next((p for p in BROAD if fnmatch(_below(module), p)), "")
        for node in module.nodes:
            if isinstance(node, ast.ExceptHandler) and _is_broad(node):
                seen[place] += 1
                if seen[place] > (BROAD[place][0] if place else 0):
                    faults.append(
                        module.fault(node, "except Exception: name the errors that you can do "
                        "something about, and let the rest rise to the loop or the edge"))  # fmt: skip
    return faults


def _below(module: Module) -> str:
    return "/".join(module.inside) + ".py"


def _within(name: str, packages: Sequence[str]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def _mutable_names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Assign):
        targets, value = node.targets, node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        targets, value = [node.target], node.value
    else:
        return []
    empty = isinstance(value, ast.Call) and getattr(value.func, "id", "") in (
        ["list", "dict", "set", "defaultdict", "deque", "Counter", "OrderedDict"]
    )
    literal = ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
    if not (empty or isinstance(value, literal)):
        return []
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return [name for name in names if name != "__all__" and not name.isupper()]


def _is_broad(node: ast.ExceptHandler) -> bool:
    kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    broad = any(k is None or getattr(k, "id", "") in ("Exception", "BaseException") for k in kinds)
    last = node.body[-1]
    return broad and not (isinstance(last, ast.Raise) and last.exc is None)


def test_no_room_takes_the_time_or_the_environment() -> None:
    faults = takers(modules("src"))
    assert not faults, "\n".join(faults)


def test_no_room_speaks_to_the_outside() -> None:
    faults = worldly(modules("src"))
    assert not faults, "\n".join(faults)


def test_no_module_keeps_state() -> None:
    faults = stateful(modules("src"))
    assert not faults, "\n".join(faults)


def test_except_exception_stands_only_where_it_is_lawful() -> None:
    faults = broad_excepts(modules("src"))
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("alerts/alert.py", "from datetime import datetime\nat = datetime.now()"),
        ("alerts/alert.py", "import datetime as dt\nat = dt.datetime.now(dt.UTC)"),
        ("alerts/alert.py", "from datetime import date\nat = date.today()"),
        ("alerts/alert.py", "from time import time as clock\nat = clock()"),
        ("paging/send.py", "import time\ntime.sleep(1)"),
        ("paging/send.py", "import asyncio\nasync def f():\n    await asyncio.sleep(1)"),
        ("pipeline.py", "print('here')"),
        ("foundation/settings.py", "import os\nHOME = os.environ['HOME']"),
        ("foundation/settings.py", "from os import environ\nHOME = environ.get('HOME')"),
        ("foundation/clock.py", "import os\nHOME = os.getenv('HOME')"),
    ],
)
def test_a_room_that_takes_is_found(path: str, text: str) -> None:
    assert takers(parse_all({path: text}))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("foundation/clock.py", "import time\nat = time.time_ns()"),
        ("cli/show.py", "print('here')"),
        ("__main__.py", "import os\nsettings(os.environ)"),
        ("alerts/alert.py", "import time\nbegun = time.monotonic()"),
        ("alerts/alert.py", "at = self.clock.now()"),
    ],
)
def test_the_edge_may_take(path: str, text: str) -> None:
    assert takers(parse_all({path: text})) == []


@pytest.mark.parametrize(
    "text",
    ["import socket", "from http import client", "import urllib.request", "from fastapi import A"],
)
def test_a_worldly_room_is_found(text: str) -> None:
    assert worldly(parse_all({"paging/send.py": text}))
    assert worldly(parse_all({"paging/channels/sms.py": text, "api/routes.py": text})) == []


@pytest.mark.parametrize(
    "text",
    ["seen = {}", "seen: list[int] = []", "from x import y\nq = deque()", "def f():\n    global a"],
)
def test_a_module_with_state_is_found(text: str) -> None:
    assert stateful(parse_all({"alerts/alert.py": text}))


def test_a_constant_is_no_state() -> None:
    text = "__all__ = ['a']\nWORST = {'critical': 0}\nName = str\ndef f():\n    seen = {}\n"
    assert stateful(parse_all({"alerts/alert.py": text})) == []


TRY = "try:\n    f()\nexcept {}:\n    {}\n"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("alerts/alert.py", "Exception"),
        ("alerts/alert.py", "(ValueError, BaseException) as error"),
        ("alerts/alert.py", ""),
    ],
)
def test_a_broad_except_is_found(path: str, kind: str) -> None:
    assert broad_excepts(parse_all({path: TRY.format(kind, "pass")}))


def test_one_more_than_lawful_is_found() -> None:
    once = TRY.format("Exception", "pass")
    assert broad_excepts(parse_all({"loops.py": once * 4})) == []
    assert len(broad_excepts(parse_all({"loops.py": once * 5}))) == 1


def test_cleaning_up_and_raising_again_is_lawful() -> None:
    text = TRY.format("BaseException", "close(); raise")
    assert broad_excepts(parse_all({"alerts/alert.py": text})) == []
