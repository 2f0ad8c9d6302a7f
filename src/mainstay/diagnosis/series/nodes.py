"""What a node of a call graph is, told from its name: relays pass faults on, they cause none."""

from __future__ import annotations

import re

_RELAY = re.compile(
    r"""(_client$)                       # the client stub of a service, measured at the caller
      | \.elb\.|\belb\b|(^|[-_./])(alb|nlb|lb|load-?balancer|haproxy|envoy-proxy|nginx-ingress
                        |ingress(-nginx)?|vip)($|[-_./])
    """,
    re.IGNORECASE | re.VERBOSE,
)
_CONTROL = re.compile(
    r"""(^|[-_./:])(ssm|sts|iam|simplesystemsmanagement|awssimplesystemsmanagement
        |metadata|169\.254\.\d+\.\d+|kube-?api(server)?|etcd-?client|consul|vault)($|[-_./:])
    """,
    re.IGNORECASE | re.VERBOSE,
)


def is_relay(name: str) -> bool:
    """Whether it only passes on what others answer: a load balancer, or a client's stub."""
    return bool(_RELAY.search(name))


def is_control_plane(name: str) -> bool:
    """Whether it is an API that configures and identifies, beside the path of a request."""
    return bool(_CONTROL.search(name))
