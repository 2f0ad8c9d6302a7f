"""The doors over HTTP: signals in, Mainstay's own API, Alertmanager's, acknowledge links, callbacks."""

from mainstay.api.app import make_app
from mainstay.api.routes import ROUTES, Route
from mainstay.api.server import Server, make_server

__all__ = ["ROUTES", "Route", "Server", "make_app", "make_server"]
