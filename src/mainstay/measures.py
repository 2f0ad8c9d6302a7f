"""Every figure that Mainstay counts while it works; `/metrics` shows them, with what it looks up."""

from __future__ import annotations

from mainstay.foundation.observe.metrics import Counter, Family, Histogram

COMMIT = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""Seconds of a commit: an NVMe disk stands on the left, a network disk that hangs on the right."""


class Measures:
    """One for each process. Written beside the work, each by the one thread that does it."""

    def __init__(self) -> None:
        # signals
        self.accepted = Counter(
            "mainstay_signals_accepted_total", "Requests that were stored and heard 2xx.",
            ("source",),
        )  # fmt: skip
        self.refused = Counter(
            "mainstay_signals_refused_total",
            "Requests that a door refused; the source is empty where no key told it.",
            ("source", "status"),
        )
        self.quarantined = Counter(
            "mainstay_signals_quarantined_total", "Signals that could not be settled.", ("source",)
        )
        self.settle_lag = Histogram(
            "mainstay_settle_lag_seconds", "From the receipt of a signal to its settling."
        )
        self.pings = Counter(
            "mainstay_heartbeat_pings_total", "Pings that were kept and heard 2xx.", ("kind",)
        )
        # pages
        self.attempted = Counter(
            "mainstay_pages_attempted_total", "Pages handed to a channel; each try.", ("channel",)
        )
        self.sent = Counter(
            "mainstay_pages_sent_total", "Pages that a provider took.", ("channel",)
        )
        self.failed = Counter(
            "mainstay_pages_failed_total", "Tries that no provider took.", ("channel",)
        )
        self.page_lag = Histogram(
            "mainstay_page_due_to_attempt_seconds", "From when a page was due to its first try.",
            ("channel",),
        )  # fmt: skip
        # checks
        self.looks = Counter(
            "mainstay_checks_total", "Looks of checks, by probe and verdict.", ("probe", "verdict")
        )
        self.look_lag = Histogram(
            "mainstay_check_lateness_seconds", "From when a check was due to its look."
        )
        self.look_time = Histogram("mainstay_check_seconds", "How long a look took.", ("probe",))
        # HTTP
        self.requests = Counter(
            "mainstay_http_requests_total", "Requests by route and status.",
            ("method", "route", "status"),
        )  # fmt: skip
        self.request_time = Histogram(
            "mainstay_http_request_seconds", "From the headers to the last byte of the answer.",
            ("method", "route"),
        )  # fmt: skip
        self.event_loop_lag = Histogram(
            "mainstay_event_loop_lag_seconds", "How late the server's own tick came.", bounds=COMMIT
        )
        # what works behind
        self.loop_errors = Counter(
            "mainstay_loop_errors_total", "Steps that failed and are tried again.", ("loop",)
        )
        self.commits = Histogram(
            "mainstay_commit_seconds", "One commit, with the writes in it.", bounds=COMMIT
        )
        self.writes = Counter(
            "mainstay_writes_total", "Writes that were committed; many share a commit."
        )

    def families(self) -> list[Family]:
        """All of them."""
        return list(vars(self).values())
