"""The doors over HTTP: signals in, Mainstay's own API, Alertmanager's, acknowledge links, callbacks."""

from mainstay.api.app import limits_of, make_app
from mainstay.api.routes import ROUTES, Route
from mainstay.api.server import App, Server, make_server

__all__ = ["ROUTES", "App", "Route", "Server", "limits_of", "make_app", "make_server"]
