"""Whether a text is one SELECT, read word by word: the first of the layers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mainstay.foundation.errors import Invalid

QUERY_CHARS_MAX = 20_000
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<line>--[^\n]*(?:\n|\Z))
      | (?P<block>/\*)
      | (?P<text>'(?:[^']|'')*')
      | (?P<name>"(?:[^"]|"")*")
      | (?P<place>(?<!:):(?P<word>[A-Za-z_]\w*))
      | (?P<plain>[A-Za-z_][\w$]*)
      | (?P<number>\d[\w.]*)
      | (?P<sign>::|[-+*/<>=~!@%^&|`?(),.\[\]:])""",
    re.X,
)
FIRST = frozenset({"select", "with", "values"})
FORBIDDEN = frozenset(
    [
        "insert",
        "update",
        "delete",
        "merge",
        "truncate",
        "create",
        "alter",
        "drop",
        "grant",
        "revoke",
        "copy",
        "call",
        "do",
        "execute",
        "prepare",
        "deallocate",
        "lock",
        "vacuum",
        "analyze",
        "reindex",
        "cluster",
        "refresh",
        "set",
        "reset",
        "begin",
        "commit",
        "rollback",
        "savepoint",
        "release",
        "listen",
        "notify",
        "unlisten",
        "into",
        "outfile",
        "dumpfile",
        "load",
        "handler",
        "replace",
        "attach",
        "detach",
        "pragma",
        "rename",
        "comment",
        "security",
        "discard",
        "declare",
        "fetch",
        "move",
        "close",
        "import",
    ]
)
"""Words that no SELECT has, save as a name in double quotes."""
FUNCTIONS = frozenset(
    [
        "pg_sleep",
        "pg_sleep_for",
        "pg_sleep_until",
        "sleep",
        "benchmark",
        "get_lock",
        "release_lock",
        "load_file",
        "load_extension",
        "readfile",
        "writefile",
        "edit",
        "fts3_tokenizer",
        "lo_import",
        "lo_export",
        "lo_create",
        "lo_unlink",
        "lo_put",
        "lo_get",
        "lowrite",
        "loread",
        "nextval",
        "setval",
        "set_config",
        "pg_notify",
        "pg_terminate_backend",
        "pg_cancel_backend",
        "pg_reload_conf",
        "pg_rotate_logfile",
        "pg_switch_wal",
        "pg_create_restore_point",
        "pg_promote",
        "pg_stat_reset",
        "pg_import_system_collations",
        "query_to_xml",
        "table_to_xml",
        "cursor_to_xml",
        "database_to_xml",
        "schema_to_xml",
        "pg_execute_server_program",
        "xp_cmdshell",
        "pg_logical_emit_message",
        "pg_replication_origin_create",
    ]
)
PREFIXES = ("pg_read_", "pg_ls_", "pg_stat_file", "pg_advisory", "pg_try_advisory", "dblink",
            "lo_", "pg_create_", "pg_drop_", "pg_logical_", "pg_replication_", "pg_file_",
            "pg_backup_", "pg_stat_reset", "pg_wal_replay_", "sys_", "dbms_", "utl_")  # fmt: skip


def lawful(query: str) -> str:
    """The query without its comments and a last `;`. Invalid when it is anything but one SELECT."""
    if len(query) > QUERY_CHARS_MAX:
        raise Invalid(f"A query has at most {QUERY_CHARS_MAX} characters.")
    kept: list[str] = []
    words: list[str] = []
    depth = at = 0
    text = query.strip().removesuffix(";")
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            what = "a second statement" if text[at] == ";" else f"{text[at]!r}"
            raise Invalid(f"A check asks one SELECT; there is {what} at character {at + 1}.")
        if match["block"] is not None or match["line"] is not None:
            at, part = _after_comment(text, match), " "
        else:
            at, part = match.end(), match[0]
            if match["plain"] is not None:
                _check_word(match[0].lower(), text[at:], is_first=not words)
                words.append(match[0].lower())
            elif not words and part.strip() not in ("", "("):
                raise Invalid("A check's query begins with SELECT, WITH or VALUES.")
            depth += (part == "(") - (part == ")")
            if depth < 0:
                raise Invalid("A check's query closes a bracket that it has not opened.")
        kept.append(part)
    if not words:
        raise Invalid("A check's query is empty.")
    if depth:
        raise Invalid("A check's query leaves a bracket open.")
    return "".join(kept).strip()


def _after_comment(text: str, match: re.Match[str]) -> int:
    """Where a comment ends. What MySQL would run in one is refused, as is a comment in a comment."""
    if match["line"] is not None:
        return match.end()
    end = text.find("*/", match.end())
    inside = text[match.end() : end]
    if end < 0 or inside.startswith(("!", "+", "M!")) or "/*" in inside:
        raise Invalid("A check's query has a comment that some databases would run; leave it out.")
    return end + 2


def _check_word(word: str, rest: str, *, is_first: bool) -> None:
    if is_first and word not in FIRST:
        raise Invalid(f"A check's query begins with SELECT, WITH or VALUES, not {word.upper()}.")
    if word in FORBIDDEN:
        raise Invalid(
            f"A check only reads: {word.upper()} is not allowed; a name that is spelled so stands "
            "in double quotes."
        )
    is_called = rest.lstrip().startswith("(")
    if is_called and (word in FUNCTIONS or word.startswith(PREFIXES)):
        raise Invalid(f"A check only reads: the function {word} is not allowed.")


def placed(query: str, known: Mapping[str, object], style: str) -> tuple[str, list[str]]:
    """The query with its `:name`s as the driver has them, and the names used, in order.

    `style` has `{name}` and `{number}`; `%` is doubled where the driver reads it. Invalid for a
    name that a check does not know.
    """
    used: list[str] = []
    parts = []
    for match in _TOKEN.finditer(query):
        if match["place"] is None:
            parts.append(match[0].replace("%", "%%") if "%(" in style else match[0])
            continue
        name = match["word"]
        if name not in known:
            raise Invalid(f"No :{name} here; a query may name {', '.join(f':{k}' for k in known)}.")
        if name not in used:
            used.append(name)
        parts.append(style.format(name=name, number=used.index(name) + 1))
    return "".join(parts), used
