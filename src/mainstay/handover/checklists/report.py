"""A run as a document: Markdown for a chat or a ticket, HTML for paper (a browser prints it as PDF)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mainstay.handover.checklists.store import Run, Signature
from mainstay.handover.said import when

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1a17; max-width: 46em; margin: 2em auto; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .35em .6em;
vertical-align: top; border-bottom: 1px solid #ccc; } .state { white-space: nowrap; font-weight: 600; }
code { font-size: 85%; overflow-wrap: anywhere; } @media print { body { margin: 0; } tr { break-inside: avoid; } }
"""


def markdown(sheet: Mapping[str, Any], run: Run, signed: Sequence[Signature], zone: str) -> str:
    """The run in Markdown; times in `zone`."""
    rows = [
        f"| {_cell(one['title'])} | {one['state']} | {_cell(_words(one, zone))} | {_cell(one['by'] or '')} |"
        for one in sheet["items"]
    ]
    parts = [
        f"# {_title(sheet)}", _cell(sheet["sentence"]), _state(sheet, run, zone),
        "| Item | State | What was seen | Who |\n|---|---|---|---|\n" + "\n".join(rows),
        *(f"Signed by {one}." for one in _signed(signed, zone)),
    ]  # fmt: skip
    if run.evidence_hash:
        parts.append(f"Evidence: SHA-256 `{run.evidence_hash}`.")
    return "\n\n".join(parts) + "\n"


def html(sheet: Mapping[str, Any], run: Run, signed: Sequence[Signature], zone: str) -> str:
    """The run as one HTML page without scripts, pictures or addresses; it prints well."""
    rows = "".join(
        f"<tr><td>{escape(one['title'])}</td><td class=state>{escape(one['state'])}</td>"
        f"<td>{escape(_words(one, zone))}</td><td>{escape(one['by'] or '')}</td></tr>"
        for one in sheet["items"]
    )
    title = escape(_title(sheet))
    names = "".join(f"<p>Signed by {escape(one)}.</p>" for one in _signed(signed, zone))
    digest = run.evidence_hash
    proof = f"<p>Evidence: SHA-256 <code>{escape(digest)}</code></p>" if digest else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style><h1>{title}</h1><p><strong>{escape(sheet['sentence'])}</strong></p>"
        f"<p>{escape(_state(sheet, run, zone))}</p>"
        f"<table><thead><tr><th>Item<th>State<th>What was seen<th>Who</thead><tbody>{rows}</tbody>"
        f"</table>{names}{proof}</html>\n"
    )


def _title(sheet: Mapping[str, Any]) -> str:
    return f"{sheet['name']}, {sheet['business_day']}"


def _state(sheet: Mapping[str, Any], run: Run, zone: str) -> str:
    return f"Team {sheet['team']}; due {when(sheet['due_at'], zone)}; {run.state}."


def _signed(signed: Sequence[Signature], zone: str) -> list[str]:
    return [
        f"{one.person}, {when(one.at, zone)}" + (f": {one.note}" if one.note else "")
        for one in signed
    ]


def _words(item: Mapping[str, Any], zone: str) -> str:
    """What was seen, the files, and the waiver in full."""
    said = [item["because"]]
    said += [f"{one['name']} (SHA-256 {one['sha256'][:12]}…)" for one in item["files"]]
    if (waiver := item["waiver"]) is not None:
        until = when(waiver["until"], zone)
        said.append(f"waived by {waiver['by']} until {until}, owner {waiver['owner']}")
    return "; ".join(one for one in said if one)


def _cell(text: str) -> str:
    """Text inside of Markdown: nothing in it is markup, and no cell ends early."""
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
