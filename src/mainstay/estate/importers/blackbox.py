"""Blackbox exporter: its modules, and the targets that a Prometheus probes through it.

Takes `blackbox.yml`, `prometheus.yml` and files of service discovery, in any order, together. A job
becomes a service; a module that is not among the files is understood by its usual name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mainstay.estate.importers.draft import Draft, Text, Thing, quoted, wrong
from mainstay.estate.importers.trees import (
    headers_of,
    json_value,
    texts,
    without_password,
    yaml_documents,
)

USUAL: dict[str, dict[str, Any]] = {
    "http_2xx": {"prober": "http"},
    "http_post_2xx": {"prober": "http", "http": {"method": "POST"}},
    "tcp_connect": {"prober": "tcp"},
    "icmp": {"prober": "icmp"},
    "ssh_banner": {"prober": "tcp", "tcp": {"query_response": [{"expect": "^SSH-2.0-"}]}},
}
"""The modules of the exporter's own example."""
EVERY = "1m"
_KNOWN_HTTP = frozenset(
    [
        "method",
        "headers",
        "body",
        "valid_status_codes",
        "fail_if_not_ssl",
        "fail_if_body_matches_regexp",
        "fail_if_body_not_matches_regexp",
        "follow_redirects",
        "no_follow_redirects",
        "preferred_ip_protocol",
        "ip_protocol_fallback",
        "valid_http_versions",
    ]
)


def read(files: Sequence[Text], draft: Draft) -> None:
    """Every target. Invalid, with its place, for a file that holds none of this."""
    modules, jobs, loose = dict(USUAL), [], []
    for file in files:
        for document in _documents(file):
            if isinstance(document, dict) and isinstance(document.get("modules"), dict):
                modules |= document["modules"]
            elif isinstance(document, dict) and "scrape_configs" in document:
                jobs += [(file, job) for job in document["scrape_configs"] or ()]
            elif isinstance(document, list):
                loose += [(file, group) for group in document]
            else:
                raise wrong(
                    file.called, 1, "expected modules, scrape_configs, or a list of targets"
                )
    for file, job in jobs:
        _job(file, draft, job, modules)
    for file, group in loose:
        labels = texts(group.get("labels")) if isinstance(group, dict) else {}
        module = labels.get("module") or labels.get("__param_module") or "http_2xx"
        for target in _targets(file, group):
            _target(draft, target, labels.get("job", "probed"), module, modules, labels, EVERY)


def _documents(file: Text) -> list[Any]:
    return [json_value(file)] if file.called.endswith(".json") else yaml_documents(file)


def _job(file: Text, draft: Draft, job: Any, modules: dict[str, Any]) -> None:
    if not isinstance(job, dict):
        raise wrong(file.called, 1, "a scrape_config is no mapping")
    name = str(job.get("job_name") or "probed")
    params: Any = job.get("params")
    module = (params.get("module") or [""])[0] if isinstance(params, dict) else ""
    if not module and job.get("metrics_path") != "/probe":
        draft.leave_out(f"job {name}: it is scraped itself, not probed through the exporter")
        return
    for key in job:
        if key.endswith("_sd_configs"):
            draft.leave_out(f"job {name}, {key}: give the files or targets that it finds")
    every = str(job.get("scrape_interval") or EVERY)
    for group in job.get("static_configs") or ():
        for target in _targets(file, group):
            _target(
                draft,
                target,
                name,
                module or "http_2xx",
                modules,
                texts(group.get("labels")),
                every,
            )


def _targets(file: Text, group: Any) -> Iterator[str]:
    if not isinstance(group, dict) or not isinstance(group.get("targets"), list):
        raise wrong(file.called, 1, "expected {targets: […], labels: {…}}")
    return (str(target) for target in group["targets"])


def _target(
    draft: Draft, target: str, job: str, module: str, modules: dict[str, Any],
    labels: dict[str, str], every: str,
) -> None:  # fmt: skip
    declared = modules.get(module)
    if not isinstance(declared, dict):
        draft.leave_out(f"{target}: module {module} is not in these files")
        return
    made = _probe(target, declared)
    if made is None:
        draft.leave_out(f"{target}: nothing here looks as prober {declared.get('prober')} does")
        return
    probe, measured, expect, notes = made
    name = labels.get("service") or job
    service = draft.once("services", name, lambda: {"about": f"{name}, probed by Blackbox"})
    value: dict[str, Any] = {"service": service, probe: measured, "every": every}
    if declared.get("timeout"):
        value["timeout"] = str(declared["timeout"])
    if expect:
        value["expect"] = expect
    short = target.partition("://")[2] or target
    _, thing = draft.add("checks", f"{job}-{short}", value)
    _left(thing, declared, labels, notes)


def _probe(target: str, module: dict[str, Any]) -> tuple[str, Any, list[str], list[str]] | None:
    """Probe, what it is told, what is expected, and what has no word here."""
    match module.get("prober"):
        case "http":
            return _http(target, module.get("http") or {})
        case "icmp":
            return "ping", target, [], []
        case "tcp":
            tcp = module.get("tcp") or {}
            expect = [
                f"banner matches {quoted(str(step['expect']))}"
                for step in tcp.get("query_response") or ()
                if isinstance(step, dict) and step.get("expect")
            ]
            sends = [
                s["send"]
                for s in tcp.get("query_response") or ()
                if isinstance(s, dict) and s.get("send")
            ]
            told: Any = {"to": target, "send": str(sends[0])} if sends else target
            return ("tls" if tcp.get("tls") else "tcp"), told, expect[:1], [
                f"query_response: {len(sends) + len(expect)} steps, here one answer is read"
            ] if len(expect) > 1 or len(sends) > 1 else []  # fmt: skip
        case "dns":
            dns = module.get("dns") or {}
            kind = str(dns.get("query_type") or "A")
            return (
                "dns",
                {"name": str(dns.get("query_name")), "type": kind, "server": target},
                [],
                [],
            )
    return None


def _http(target: str, http: dict[str, Any]) -> tuple[str, Any, list[str], list[str]]:
    more: dict[str, Any] = {}
    if (method := str(http.get("method") or "GET")) != "GET":
        more["method"] = method
    headers, notes = headers_of(http.get("headers"))
    if headers:
        more["headers"] = headers
    if http.get("body"):
        more["body"] = str(http["body"])
    if http.get("follow_redirects", True) and not http.get("no_follow_redirects"):
        more["follow"] = True
    codes = [str(code) for code in http.get("valid_status_codes") or ()]
    expect = (
        [" or ".join(f"status == {code}" for code in codes)]
        if codes
        else ["status >= 200", "status < 300"]
    )
    for pattern in http.get("fail_if_body_not_matches_regexp") or ():
        expect.append(f"body matches {quoted(str(pattern))}")
    for pattern in http.get("fail_if_body_matches_regexp") or ():
        expect.append(f"not (body matches {quoted(str(pattern))})")
    if http.get("fail_if_not_ssl"):
        expect.append("cert_days > 0")
    notes += [f"{key}: {value}" for key, value in http.items() if key not in _KNOWN_HTTP and value]
    url, signs_in = without_password(target if "://" in target else f"http://{target}")
    return "http", {"url": url, **more} if more else url, expect, notes + signs_in


def _left(thing: Thing, module: dict[str, Any], labels: dict[str, str], notes: list[str]) -> None:
    for note in notes:
        secret = any(
            word in note.split(":")[0] for word in ("auth", "bearer", "oauth", "tls_config")
        )
        thing.leave_out(
            f"{note.split(':')[0]}: give `secret: file:/path`, or `ca`" if secret else note
        )
    for key, text in labels.items():
        if key not in ("service", "job", "module") and not key.startswith("__"):
            thing.leave_out(f"label {key}: {text}")
