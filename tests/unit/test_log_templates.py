"""Are messages of one kind one template, with `<*>` exactly where values stand?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.telemetry.logs import MASK, Event, mask, mine, templates


@pytest.mark.parametrize(
    ("message", "masked"),
    [
        ("took 12 ms for 0x1f by 10.1.2.3:80", "took <*> ms for <*> by <*>:<*>"),
        ("job job_1445144423722_0020 of u-17", "job <*> of u-<*>"),
        ("Accepted password from 1.2.3.4 port 22 ssh2", "Accepted password from <*> port <*> ssh2"),
        ("r24=0x0ffea4c8 r25=0x03", "r24=<*> r25=<*>"),
        ("Started HttpServer2$Connector@0.0.0.0:62267", "Started HttpServer2$Connector@<*>:<*>"),
        ("cannot open /var/lib/x.db: denied", "cannot open <*>: denied"),
        ("GET https://a.example.com/b?c=1 failed", "GET https://<*> failed"),
        ("mail to mara@example.com is true", "mail to <*> is <*>"),
        ("free 14.0 KB  of   3", "free <*> of <*>"),
        ("jetty-6.1.26 at core.2275", "jetty-<*> at core.<*>"),
        ("error(s) (dcr 0x02ec) detected", "error(s) (dcr <*>) detected"),
        ("id 550e8400-e29b-41d4-a716-446655440000 gone", "id <*> gone"),
        ("from host8.topspot.net at Sun Jul 17 12:30:35 2005", "from <*> at <*>"),
    ],
)
def test_values_are_masked_and_names_are_not(message: str, masked: str) -> None:
    assert mask(message) == masked


def test_a_word_with_many_values_is_a_value() -> None:
    names = ["ann", "bob", "carl", "dora", "emil", "fritz"]
    found = mine(f"Failed password for {name} from {MASK}" for name in names)
    assert set(found.values()) == {f"Failed password for {MASK} from {MASK}"}


def test_what_happened_is_no_value() -> None:
    messages = [f"session {what} for peer" for what in ("opened", "closed")]
    assert mine(messages) == {one: one for one in messages}


def test_a_user_is_a_value_from_the_second_on() -> None:
    found = mine(["session closed for user root", "session closed for user mara"])
    assert set(found.values()) == {"session closed for user <*>"}


def test_class_names_that_differ_together_are_values() -> None:
    found = mine(f"Registering class a.b.C{x}Type for class a.D${x}Handler" for x in "XYZ")
    assert set(found.values()) == {"Registering class <*> for class <*>"}


def test_single_words_are_never_merged() -> None:
    words = [f"event{chr(97 + n)}happened" for n in range(20)]
    assert mine(words) == {one: one for one in words}


def test_templates_are_counted_with_their_worst_level() -> None:
    found = templates(
        [Event(f"took {n} ms", at_us=n, level="error" if n == 7 else "info") for n in range(10)]
        + [Event("ready", at_us=3)]
    )
    assert [(one.text, one.count, one.level) for one in found] == [
        ("took <*> ms", 10, "error"), ("ready", 1, ""),
    ]  # fmt: skip
    assert (found[0].first.at_us, found[0].last.at_us) == (0, 9)


@given(st.lists(st.text(max_size=60), max_size=20))
def test_any_text_has_a_template_and_order_changes_nothing(messages: list[str]) -> None:
    masked = list(dict.fromkeys(mask(one) for one in messages))
    assert mine(masked) == mine(reversed(masked))
