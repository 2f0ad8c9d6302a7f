"""Are log files read whatever they hold, in bounded memory, and is what is wrong with them told?"""

from __future__ import annotations

import gzip
import io
import random
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mainstay.foundation.errors import Invalid, NotFound
from mainstay.telemetry.files import Follow, Query, Reading, Survey, blocks, count, found_in, hits
from mainstay.telemetry.logs import Layouts, Lines, each_alone

NOW = datetime(2026, 11, 24, 13, tzinfo=UTC)
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
LEVELS = ("INFO", "INFO", "INFO", "WARN", "ERROR")


def reader() -> Layouts:
    return Layouts(now=NOW, zone=UTC)


def us(at: datetime) -> int:
    return round(at.timestamp() * 1e6)


def written(path: Path, lines: int, *, jitter_s: int = 0, pad: str = "") -> Path:
    """A log with a line a second, of levels in turn; an error has a trace of two lines."""
    dice = random.Random(7)
    with path.open("w") as file:
        for n in range(lines):
            at = BEGIN + timedelta(seconds=n + dice.randint(-jitter_s, jitter_s))
            level = LEVELS[n % 5]
            file.write(f"{at:%Y-%m-%dT%H:%M:%S}Z {level} shop.pay: order {n} handled{pad}\n")
            if level == "ERROR":
                file.write("java.io.IOException: no\n\tat shop.Pay.run(Pay.java:1)\n")
    return path


def found(path: Path, query: Query) -> list[bytes]:
    with path.open("rb") as file:
        return list(hits(str(path), file, query, reader(), Reading()))


def unpacked(content: bytes) -> tuple[bytes, Reading]:
    reading = Reading()
    return b"".join(blocks("x", io.BytesIO(content), reading)), reading


def test_text_is_found_and_counted(tmp_path: Path) -> None:
    path = written(tmp_path / "a.log", 5_000)
    expected = [one for one in path.read_bytes().split(b"\n") if b"order 42" in one]
    assert found(path, Query(text=b"order 42")) == expected
    with path.open("rb", buffering=0) as file:
        assert count("a", file, Query(text=b"order 42"), reader(), Reading()) == len(expected)


def test_a_pattern_and_any_case_are_found(tmp_path: Path) -> None:
    path = written(tmp_path / "a.log", 100)
    assert len(found(path, Query(pattern=r"order \d7 "))) == 9
    assert len(found(path, Query(text=b"ORDER 99 ", ignore_case=True))) == 1
    with pytest.raises(Invalid):
        found(path, Query(pattern="("))


def test_an_error_comes_with_its_trace(tmp_path: Path) -> None:
    lines = found(written(tmp_path / "a.log", 100), Query(level="error"))
    assert len(lines) == 20 * 3
    assert lines[1].startswith(b"java.io")


@pytest.mark.parametrize("jitter_s", [0, 20, 100_000])
def test_a_stretch_of_time_is_found_in_whatever_order(tmp_path: Path, jitter_s: int) -> None:
    path = written(tmp_path / "a.log", 30_000, jitter_s=jitter_s, pad=" with more words" * 4)
    since, until = BEGIN + timedelta(hours=2), BEGIN + timedelta(hours=3)
    inside = [
        line for line in path.read_bytes().split(b"\n")
        if line[:1] == b"2" and since.isoformat()[:19].encode() <= line[:19] < until.isoformat()[:19].encode()
    ]  # fmt: skip
    query = Query(since_us=us(since), until_us=us(until))
    assert [one for one in found(path, query) if one[:1] == b"2"] == inside


def test_a_small_stretch_of_a_large_file_is_not_read_whole(tmp_path: Path) -> None:
    path, reading = written(tmp_path / "a.log", 60_000, pad="." * 60), Reading()
    since = BEGIN + timedelta(hours=10)
    query = Query(since_us=us(since), until_us=us(since + timedelta(minutes=5)))
    with path.open("rb") as file:
        lines = [one for one in hits("a", file, query, reader(), reading) if one[:1] == b"2"]
    assert len(lines) == 300
    read = reading.bytes_read - path.read_bytes().index(b"T09:59:00Z")
    assert read < path.stat().st_size / 10


def test_digits_that_tell_a_level_are_heeded(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    line = '10.0.0.9 - - [10/Oct/2026:13:55:36 +0000] "GET /a HTTP/1.1" {} 26 "-" "-"\n'
    path.write_text("".join(line.format(status) for status in (200, 500, 200, 404, 503)))
    assert len(found(path, Query(level="error"))) == 2
    path.write_text("".join(f'{{"level":{n},"msg":"m"}}\n' for n in (30, 50, 30, 60)))
    assert len(found(path, Query(level="error"))) == 2
    path.write_text("".join(f"<{pri}>Feb  5 17:32:18 h p: m\n" for pri in (14, 11, 14)))
    assert len(found(path, Query(level="error"))) == 1


def test_gzip_is_read_member_after_member() -> None:
    content, reading = unpacked(gzip.compress(b"a\nb\n") + gzip.compress(b"c") + b"\0" * 9)
    assert content == b"a\nb\nc\n"
    assert not reading.notes


def test_a_gzip_cut_short_is_used_as_far_as_it_goes() -> None:
    whole = b"".join(b"line %d\n" % n for n in range(10_000))
    content, reading = unpacked(gzip.compress(whole)[:-2_000])
    assert whole.startswith(content[:-1])
    assert len(content) > 1_000
    assert "ends too early" in "".join(reading.notes)


def test_a_broken_gzip_is_told_of() -> None:
    packed = bytearray(gzip.compress(b"".join(b"line %d\n" % n for n in range(50_000))))
    packed[-6] ^= 0xFF
    content, reading = unpacked(bytes(packed))
    assert content.startswith(b"line 0\n")
    assert "broken" in "".join(reading.notes)


def test_a_gzip_bomb_ends_early_in_bounded_memory() -> None:
    bomb = gzip.compress(b"\0" * (300 << 20), 1)
    tracemalloc.start()
    reading = Reading()
    given = sum(len(one) for one in blocks("bomb", io.BytesIO(bomb), reading))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert given <= 2 << 20
    assert peak < 32 << 20
    assert any("a line longer" in one for one in reading.notes)


def test_a_bomb_of_many_lines_is_left_out_at_a_limit() -> None:
    bomb = gzip.compress(b"a\n" * (50 << 20))
    reading = Reading()
    assert sum(len(one) for one in blocks("bomb", io.BytesIO(bomb), reading)) < 80 << 20
    assert any("unpacks to more" in one for one in reading.notes)


def test_a_line_of_ten_megabytes_is_cut_and_the_rest_is_used() -> None:
    content, reading = unpacked(b"a\n" + b"x" * 10_000_000 + b"\nb\n" + b"y" * 3_000_000)
    lines = content.split(b"\n")
    assert [len(one) for one in lines] == [1, 1 << 20, 1, 1 << 20, 0]
    assert sum(reading.notes.values()) == 2


def test_a_folder_means_its_files_and_what_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b/x.log").touch()
    (tmp_path / "a.log").touch()
    assert found_in([str(tmp_path)]) == [str(tmp_path / "a.log"), str(tmp_path / "b/x.log")]
    with pytest.raises(NotFound, match=r"nowhere"):
        found_in([str(tmp_path / "nowhere.log")])


def test_counting_by_skeleton_agrees_with_counting_each_line(tmp_path: Path) -> None:
    path = written(tmp_path / "a.log", 20_000)
    layouts = reader()
    tally = Lines(lambda some: each_alone(some, layouts))
    with path.open("rb") as file:
        for block in blocks("a", file, Reading()):
            tally.add(block)
    tally.fold()
    (only,) = tally.templates.found()
    assert (only.text, only.count, only.level) == ("order <*> handled", 20_000, "error")
    assert tally.continued == 8_000
    assert only.first.at_us == us(BEGIN)
    assert only.last.at_us == us(BEGIN + timedelta(seconds=19_999))


def test_a_survey_tells_levels_times_and_silences(tmp_path: Path) -> None:
    path = written(tmp_path / "a.log", 1_000)
    with path.open("a") as file:
        file.write(
            "2026-03-01T05:00:00Z FATAL shop.db: gone\n2026-03-01T04:00:00Z INFO shop.db: late\n"
        )
    survey = Survey(reader())
    with path.open("rb") as file:
        for block in blocks("a", file, Reading()):
            survey.add(block)
    assert survey.levels == {"info": 601, "warning": 200, "error": 200, "critical": 1}
    assert (survey.lines, survey.events, survey.backwards) == (1_402, 1_002, 1)
    assert survey.sources == {"shop.pay": 1_000, "shop.db": 2}
    assert survey.gaps()[0] == (us(BEGIN) // 1_000_000 + 999, 3 * 3_600 + 2_601)
    step, bars = survey.histogram(3_600, 40)
    assert (step, [n.total() for n in bars.values()]) == (3_600, [1_000, 0, 0, 0, 1, 1])


def test_a_file_is_followed_over_rotation_and_truncation(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    follow = Follow(path, offset=0)
    assert follow.new() == []
    path.write_bytes(b"one\ntw")
    assert follow.new() == [b"one"]
    with path.open("ab") as file:
        file.write(b"o\nlast words")
    assert follow.new() == [b"two"]
    path.rename(tmp_path / "a.log.1")
    path.write_bytes(b"three\n")
    assert follow.new() == [b"last words", b"three"]
    path.write_bytes(b"4\n")
    assert follow.new() == [b"4"]
    assert follow.new() == []
    follow.close()


def test_following_goes_on_where_it_was_left(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"one\ntwo\nhal")
    first = Follow(path, offset=0)
    assert first.new() == [b"one", b"two"]
    first.close()
    with path.open("ab") as file:
        file.write(b"f\n")
    again = Follow(path, offset=first.offset, inode=first.inode)
    assert again.new() == [b"half"]
    again.close()
