"""A diagnosis as one HTML file that can be mailed: no script, no link to the outside, all escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from mainstay.diagnosis.cause import Diagnosis, Evidence, Hypothesis

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
  color: #1c2024; background: #fff; }}
h1 {{ font-size: 1.4rem; }} li.cause {{ margin-bottom: 1.5rem; }}
.likely {{ color: #a40000; font-weight: 600; }} .possible {{ color: #7a5200; font-weight: 600; }}
.ruled {{ color: #5a6068; }} .kind, .since, footer {{ color: #5a6068; }}
ul {{ padding-left: 1.2rem; }} li.for::marker {{ content: "+ "; }}
li.against::marker {{ content: "\\2212 "; }}
</style></head><body>
<h1>{sentence}</h1>
{business}<ol>{causes}</ol>
<footer><p>Looked at {looked_at}.</p>{notes}</footer>
</body></html>
"""


def as_html(found: Diagnosis, *, title: str, business: str = "") -> str:
    """The whole report; whatever a log or a name says is text in it, never markup."""
    return _PAGE.format(
        title=escape(f"Diagnosis of {title}"),
        sentence=escape(found.sentence),
        business=f"<p>For customers: {escape(business)}</p>\n" if business else "",
        causes="".join(_cause(one) for one in found.hypotheses),
        looked_at=escape(", ".join(found.looked_at) or "nothing"),
        notes=_rows([Evidence(f"Not used: {note}") for note in found.notes], "note"),
    )


def _cause(one: Hypothesis) -> str:
    style = one.verdict.value.split()[0]
    since = f'<p class="since">Since {escape(one.since.isoformat())}</p>' if one.since else ""
    confirm = f"<p>To confirm: {escape(one.confirm)}</p>" if one.confirm else ""
    return (
        f'<li class="cause"><span class="{style}">{escape(one.verdict.value)}</span> '
        f'<span class="kind">{escape(one.cause_class.value)}</span><p>{escape(one.sentence)}</p>'
        f"{_rows(one.speaks_for, 'for')}{_rows(one.speaks_against, 'against')}{since}{confirm}</li>"
    )


def _rows(rows: Sequence[Evidence], style: str) -> str:
    items = "".join(
        f'<li class="{style}">{escape(one.sentence)}'
        f"{f' ({escape(one.source)})' if one.source else ''}</li>"
        for one in rows
    )
    return f"<ul>{items}</ul>" if items else ""
