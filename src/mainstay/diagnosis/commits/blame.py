"""Which change did it, or that none did: effects of diffs beside the trouble that is seen, and the
signs of causes that are no change at all (a surge, a provider, bad data, an expired certificate)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from mainstay.diagnosis.cause import CauseClass, Evidence, Hypothesis
from mainstay.diagnosis.commits.change import Commit, Deployment, Pattern, Release
from mainstay.diagnosis.commits.effects import Effect, effects

FITS = 0.62
"""An effect that can make the trouble that is seen; more is added for what else speaks for it."""
WORDS = 0.1
HERE = 0.15
SHOWN_INNOCENT = 4
NO_CODE = re.compile(
    r"\.(?:md|css|svg|png|txt)$|_test\.\w+$|(?:^|/)(?:docs?|tests?|\.github|\.circleci|testdata)/|CODEOWNERS$|golangci",
    re.I,
)
SETTINGS = re.compile(r"\.(?:ya?ml|json|toml|ini|env|properties|conf)$", re.I)
OF_ONE = re.compile(r"(?:services|cmd|apps)/")
"""Code of one service; anything else is shared, and goes out with whoever is built next."""
_DOUBLED = 1.0
_LOAD = re.compile(r"saturat|overload|shed|queued|pending|backlog|reject|429", re.I)
_PROVIDER = re.compile(
    r"\b(?:aws|s3|dynamodb|gcp|gcs|azure|stripe|twilio|sendgrid|cloudfront|provider|third.party|vendor)\b.*(?:5\d\d|unavailable|slowdown|internal ?error|time.?out|outage|throttl)",
    re.I,
)
_DATA = re.compile(
    r"validation|out of range|malformed|poison|corrupt|invalid (?:record|row|value|payload)|redeliver|unexpected (?:value|token)",
    re.I,
)
_EXPIRED = re.compile(r"certificate.*(?:expired|not valid|notafter)|x509.*expired", re.I)
_MACHINE = re.compile(
    r"node (?:not ready|lost|drain|evict)|I/O error|hardware|kernel|ECC|disk failure|preempt", re.I
)


def of_release(release: Release) -> list[Hypothesis]:
    """Hypotheses about changes, and about what is no change; innocent ones with what clears them."""
    trouble = _trouble(release)
    fired_s = _fired(release)
    found: list[Hypothesis] = []
    innocent: list[Hypothesis] = []
    for commit in release.commits:
        deployment = _deployment(release, commit, fired_s)
        if deployment is None or not _counts(commit):
            continue
        fitting = [one for one in effects(commit.diff) if one.trouble.search(trouble)]
        if fitting:
            found.append(_guilty(release, commit, deployment, fitting, trouble))
        elif deployment.sha == commit.sha:
            innocent.append(_innocent(commit, deployment))
    return [*found, *_no_change(release), *innocent[-SHOWN_INNOCENT:]]


def _trouble(release: Release) -> str:
    """Everything bad that was said, as one text."""
    alert = release.alert
    said = [str(alert.get(key, "")) for key in ("metric", "summary", "monitor")]
    return "\n".join(said + [one.text for one in release.patterns if one.negative])


def _fired(release: Release) -> float:
    try:
        at = datetime.fromisoformat(str(release.alert.get("fired_at")))
    except ValueError:
        return float("inf")
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _counts(commit: Commit) -> bool:
    return bool(commit.diff) and not all(NO_CODE.search(file) for file in commit.files)


def _deployment(release: Release, commit: Commit, fired_s: float) -> Deployment | None:
    """The deployment that brought a commit out before the alert; for a shared library, the first
    one after it."""
    in_time = sorted(
        (one for one in release.deployments if one.at_s <= fired_s), key=lambda one: one.at_s
    )
    own = next((one for one in in_time if one.sha == commit.sha), None)
    late = any(one.sha == commit.sha for one in release.deployments)
    if own or late or any(OF_ONE.match(file) for file in commit.files):
        return own
    return next((one for one in in_time if one.at_s >= commit.at_s), None)


def _guilty(
    release: Release,
    commit: Commit,
    deployment: Deployment,
    fitting: Sequence[Effect],
    trouble: str,
) -> Hypothesis:
    named = [
        name
        for one in fitting
        for name in one.names
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", trouble)
    ]
    score = FITS + WORDS * bool(named) + WORDS / 2 * (len(fitting) - 1)
    score += HERE if deployment.service == release.alert.get("service") else 0.0
    score += WORDS if deployment.sha == commit.sha else 0.0
    settings = all(SETTINGS.search(file) for file in commit.files)
    what = "; ".join(one.sentence for one in fitting)
    seen = [
        Evidence(f"What is seen fits: {_first_hit(fitting[0], trouble)}", "alert and logs"),
        Evidence(f"It went out with {deployment.service} at {_time(deployment.at_s)}.",
                 "deployments"),
    ]  # fmt: skip
    if named:
        seen.append(Evidence(f"“{named[0]}” stands in the diff and in the errors.", "diff, logs"))
    return Hypothesis(
        deployment.service,
        "commit",
        f"Commit {commit.sha[:10]} did it ({', '.join(commit.files[:2])}): {what}.",
        CauseClass.CONFIGURATION if settings else CauseClass.SOFTWARE,
        min(score, 0.99),
        tuple(seen),
        confirm=f"Roll {deployment.service} back, or read git show {commit.sha[:10]}",
        since=datetime.fromtimestamp(deployment.at_s, UTC),
        detail=commit.sha,
    )


def _innocent(commit: Commit, deployment: Deployment) -> Hypothesis:
    return Hypothesis(
        deployment.service,
        "commit",
        f"Commit {commit.sha[:10]} ({commit.message[:60]}) went out with {deployment.service}, but "
        "did not do it.",
        CauseClass.SOFTWARE,
        0.02,
        speaks_against=(Evidence("Nothing that its diff does can make what is seen.", "diff"),),
        detail=commit.sha,
    )


def _no_change(release: Release) -> Iterator[Hypothesis]:
    """Causes that no commit has."""
    where = str(release.alert.get("service", ""))
    bad = [one for one in release.patterns if one.negative]
    surge = [
        one for one in release.patterns
        if not one.negative and one.rise > _DOUBLED * max(1, one.count - one.rise) and one.count > 999
    ]  # fmt: skip
    loaded = [one for one in bad if _LOAD.search(one.text)]
    if surge and loaded:
        yield _plain(
            where, "traffic-surge", f"Far more requests than usual reached {surge[0].service}.",
            CauseClass.CAPACITY, 0.75, [surge[0], loaded[0]],
        )  # fmt: skip
    for pattern, kind, sentence, cause_class, score in (
        (_EXPIRED, "expired-certificate", "A certificate has expired.",
         CauseClass.CONFIGURATION, 0.8),
        (_PROVIDER, "provider-failure", "A provider fails: its own errors come back.",
         CauseClass.THIRD_PARTY, 0.7),
        (_MACHINE, "machine-failure", "A machine below the services fails.",
         CauseClass.SYSTEM, 0.65),
        (_DATA, "bad-data", "A record that came in cannot be handled, and is tried again.",
         CauseClass.DATA, 0.6),
    ):  # fmt: skip
        said = [one for one in bad if pattern.search(one.text)]
        if said:
            yield _plain(said[0].service, kind, sentence, cause_class, score, said)
    for status in release.statuses:
        yield Hypothesis(
            where, "provider-failure", "A provider says that it has trouble.",
            CauseClass.THIRD_PARTY, 0.9, (Evidence(status, "status feed"),),
        )  # fmt: skip


def _plain(
    where: str,
    kind: str,
    sentence: str,
    cause_class: CauseClass,
    score: float,
    said: Sequence[Pattern],
) -> Hypothesis:
    return Hypothesis(
        where, kind, sentence, cause_class, score,
        tuple(Evidence(f"{one.text} ({one.count} times, {one.rise:+d})", f"logs of {one.service}")
              for one in said[:3]),
        confirm="No commit in the window can make this; look outside of the code.",
    )  # fmt: skip


def _first_hit(effect: Effect, trouble: str) -> str:
    return next((line for line in trouble.splitlines() if effect.trouble.search(line)), "")[:200]


def _time(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%H:%M}"
