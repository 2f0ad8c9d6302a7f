"""Are the locks whole and small, the migrations in order, and is every file free of this machine?"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable

import pytest
from house_tree import ROOT, files

PACKAGES_MAX = 40
MIGRATION = re.compile(r"(\d{4})_\w+\.sql")
PICTURES = (".png", ".jpg", ".ico", ".woff2", ".gz", ".zip", ".pdf")
# In halves, so that this file does not find itself.
ADDRESSES = {
    "the address of a registry": (
        r"pypi\." "org|files\\.python" "hosted|registry\\.npm" r"js|deb\.deb" "ian\\.org"
        "|^--(?:extra-)?index-" "url|^--find-" "links"
    ),
    "a path of one machine": r"(?<![\w.])/wo" r"rk/|/fa" r"rm/|/ro" r"ot/\.|\.\./sha" "red/",
}  # fmt: skip


def addresses(texts: Iterable[tuple[str, str]]) -> list[str]:
    """Lines with a registry's address or a path that exists on one machine only."""
    faults = []
    for name, text in texts:
        for what, pattern in ADDRESSES.items():
            for found in re.finditer(pattern, text, re.MULTILINE):
                line = text.count("\n", 0, found.start()) + 1
                faults.append(f"{name}:{line}: {found[0]!r} is {what}: leave it out")
    return faults


def pins(lock: str) -> dict[str, str]:
    """Package → version of a lock; what other systems need (Windows, browsers) left out."""
    lines = re.findall(r"^([\w.-]+)==([^\s;]+)([^\\\n]*)", lock, re.MULTILINE)
    elsewhere = ("'win32'", "== 'emscripten'")
    return {name: version for name, version, mark in lines if not mark.strip().endswith(elsewhere)}


def unhashed(lock: str) -> list[str]:
    """Lines of a lock that name a package without a version or a hash."""
    entries = re.split(r"\n(?=[^\s#])", lock.strip())
    return [e.splitlines()[0] for e in entries if "==" not in e or "--hash=sha256:" not in e]


def gaps(names: Iterable[str]) -> list[str]:
    """Migrations that are badly named, numbered twice or out of order."""
    names = sorted(names)
    bad = [f"{name}: a migration is called NNNN_words.sql" for name in names if not _number(name)]
    numbers = [_number(name) for name in names if _number(name)]
    if numbers != list(range(1, len(numbers) + 1)):
        bad.append(f"migrations {numbers}: number them 1, 2, 3 … with no gap and none twice")
    return bad


def unreasoned(direct: Iterable[str], record: str) -> list[str]:
    """Direct dependencies without a line of why, and lines of why without a dependency."""
    wanted = {re.split(r"[><=\[ ]", name)[0].lower() for name in direct}
    told = set(re.findall(r"^\| `([\w.-]+)` \|", record, re.MULTILINE))
    return [f"{name}: no line of why" for name in sorted(wanted - told)] + [
        f"{name}: a line of why, but no dependency" for name in sorted(told - wanted)
    ]


def _number(name: str) -> int:
    match = MIGRATION.fullmatch(name)
    return int(match[1]) if match else 0


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def test_no_file_names_a_registry_or_this_machine() -> None:
    faults = addresses((name, _read(name)) for name in files() if not name.endswith(PICTURES))
    assert not faults, "\n".join(faults)


def test_the_base_install_is_small() -> None:
    packages = pins(_read("requirements.lock"))
    assert 0 < len(packages) <= PACKAGES_MAX, f"{len(packages)} packages: move some to an extra"


@pytest.mark.parametrize("lock", ["", "-dev", "-bootstrap"])
def test_every_package_of_a_lock_is_pinned_by_hash(lock: str) -> None:
    assert unhashed(_read(f"requirements{lock}.lock")) == []


def test_tests_run_on_the_same_versions_as_users_do() -> None:
    base, dev = pins(_read("requirements.lock")), pins(_read("requirements-dev.lock"))
    differ = {name: (version, dev.get(name)) for name, version in base.items()
              if dev.get(name) != version}  # fmt: skip
    assert not differ, f"make lock: {differ}"


def test_every_direct_dependency_has_a_line_of_why() -> None:
    project = tomllib.loads(_read("pyproject.toml"))
    direct = [
        *project["project"]["dependencies"],
        *(name for extra in project["project"]["optional-dependencies"].values() for name in extra),
        *project["dependency-groups"]["bootstrap"],
    ]
    faults = unreasoned(direct, _read("docs/decisions/0002-dependencies.md"))
    assert not faults, "docs/decisions/0002-dependencies.md:1: " + "; ".join(faults)


def test_every_direct_dependency_is_locked() -> None:
    project = tomllib.loads(_read("pyproject.toml"))["project"]
    locked = pins(_read("requirements-dev.lock"))
    direct = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    missing = [d for d in direct if re.split(r"[><=\[ ]", d)[0].lower() not in locked]
    assert not missing, f"make lock: {missing}"


def test_migrations_are_numbered_without_a_gap() -> None:
    folder = ROOT / "src/mainstay/foundation/schema"
    names = [file.name for file in folder.iterdir() if file.suffix == ".sql"]
    assert names
    assert gaps(names) == []


@pytest.mark.parametrize(
    "text",
    [
        "see https://pypi." + "org/project/x",
        "--index-" + "url somewhere",
        "open('/wo" + "rk/main/x')",
        "cp ../sha" + "red/wire .",
    ],
)
def test_an_address_is_found_with_its_line(text: str) -> None:
    found = addresses([("a.txt", "fine\n" + text)])
    assert found
    assert found[0].startswith("a.txt:2: ")


def test_ordinary_paths_are_lawful() -> None:
    assert addresses([("a.txt", "https://example.org/wo" + "rk/x, tests/real/, --no-index")]) == []


LOCK = "a==1 \\\n    --hash=sha256:00\n    # via b\nb==2 ; sys_platform == 'win32' \\\n    --hash=sha256:00"


def test_a_lock_is_counted_as_it_is_installed_here() -> None:
    assert pins(LOCK) == {"a": "1"}


def test_a_package_without_a_hash_is_found() -> None:
    assert unhashed(LOCK) == []
    assert unhashed(LOCK + "\nc==3") == ["c==3"]
    assert unhashed("c>=3 \\\n    --hash=sha256:00") == ["c>=3 \\"]


@pytest.mark.parametrize(
    "names",
    [["0001_a.sql", "0001_b.sql"], ["0001_a.sql", "0003_c.sql"], ["0002_b.sql"], ["a.sql"]],
)
def test_a_gap_in_the_migrations_is_found(names: list[str]) -> None:
    assert gaps(names)


def test_a_dependency_without_a_reason_is_found() -> None:
    record = "| `click` | the CLI |\n| `gone` | was here |\n"
    assert unreasoned(["click>=8"], "| `click` | the CLI |") == []
    assert len(unreasoned(["click>=8", "rich"], record)) == 2
