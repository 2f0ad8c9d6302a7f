"""One time for every node: the database's, however wrong their own clocks are."""

from __future__ import annotations

from datetime import timedelta

from mainstay.foundation.clock import SharedClock, from_us

SECOND = 1_000_000


class Server:
    """A database's clock, and the count of the machine that asks it."""

    def __init__(self) -> None:
        self.count_us = 5 * SECOND
        self.ahead_us = 1_000_000 * SECOND
        self.journey_us = 0

    def ask(self) -> int:
        self.count_us += self.journey_us // 2
        answer = self.count_us + self.ahead_us
        self.count_us += self.journey_us - self.journey_us // 2
        return answer

    @property
    def time(self) -> int:
        return self.count_us + self.ahead_us

    def clock(self) -> SharedClock:
        return SharedClock(self.ask, count_us=lambda: self.count_us)

    def pass_time(self, **span: float) -> None:
        self.count_us += int(timedelta(**span).total_seconds() * SECOND)


def test_it_is_the_servers_time_and_goes_on_between_samples() -> None:
    server = Server()
    clock = server.clock()
    server.pass_time(seconds=4)
    assert clock.now() == from_us(server.time)


def test_a_slow_answer_is_as_old_as_half_its_journey() -> None:
    server = Server()
    server.journey_us = 200_000
    assert server.clock().now() == from_us(server.time)


def test_drift_is_followed_at_once() -> None:
    server = Server()
    clock = server.clock()
    server.ahead_us += SECOND // 10
    assert clock.sample()
    assert clock.now() == from_us(server.time)


def test_a_jump_counts_from_the_second_answer_that_agrees() -> None:
    server = Server()
    clock = server.clock()
    before = clock.now()
    server.ahead_us += 3600 * SECOND
    assert not clock.sample()
    assert clock.now() == before
    server.pass_time(seconds=1)
    assert clock.sample()
    assert clock.now() == before + timedelta(seconds=1), "it jumped before the plan was moved"
    assert clock.jumped() == timedelta(hours=1)
    clock.follow(clock.jumped())
    assert clock.now() == from_us(server.time)
    assert not clock.jumped()


def test_a_jump_that_is_taken_back_before_anybody_followed_it_was_none() -> None:
    server = Server()
    clock = server.clock()
    server.ahead_us += 3600 * SECOND
    assert not clock.sample()
    assert clock.sample()
    assert clock.jumped()
    server.ahead_us -= 3600 * SECOND
    assert clock.sample()
    assert not clock.jumped()


def test_what_another_node_has_followed_is_kept_up_with_and_not_followed_again() -> None:
    server = Server()
    clock = server.clock()
    clock.keep_up(lambda: 7 * SECOND)  # from before we started
    assert clock.now() == from_us(server.time)
    server.ahead_us -= 7200 * SECOND
    assert not clock.sample()
    assert clock.sample()
    clock.keep_up(lambda: (7 - 7200) * SECOND)
    assert clock.now() == from_us(server.time)
    assert not clock.jumped()
    assert clock.sample()


def test_a_single_wrong_answer_is_forgotten() -> None:
    server = Server()
    clock = server.clock()
    for jump in (3600, -7200):
        server.ahead_us += jump * SECOND
        assert not clock.sample()
        server.ahead_us -= jump * SECOND
        assert clock.sample()
        assert clock.now() == from_us(server.time)


def test_two_wrong_answers_that_differ_are_not_believed_either() -> None:
    server = Server()
    clock = server.clock()
    server.ahead_us += 3600 * SECOND
    assert not clock.sample()
    server.ahead_us += 3600 * SECOND
    assert not clock.sample()
    assert clock.sample()


def test_an_answer_that_came_while_we_were_stopped_counts_for_nothing() -> None:
    """Half of its journey would be a guess of twenty seconds."""
    server = Server()
    clock = server.clock()
    server.journey_us = 40 * SECOND
    assert not clock.sample()
    assert clock.now() == from_us(server.time)
