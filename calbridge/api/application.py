"""The Flask application: resources, errors, headers, documents."""

from __future__ import annotations

import re
import secrets
from typing import Any

from flask import Flask, Response, g, request
from flask.json.provider import DefaultJSONProvider

from calbridge import __version__
from calbridge.api import cors, documents, health, metrics, problems
from calbridge.api.here import EXTENSION, Installed
from calbridge.api.limits import MEMORY, Limits, Rates
from calbridge.api.resources import BLUEPRINTS
from calbridge.log import bind, get_logger, unbind
from calbridge.service.parts import Parts

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
LARGEST_BODY = 11 * 2**20
"""Bytes of any body; operations take less (:data:`calbridge.api.operation.BODY_LIMIT`), imports most."""
log = get_logger(__name__)


def create_app(parts: Parts, rates: Rates | None = None) -> Flask:
    """The application over these parts. Counters of rate limits are in Redis where there is one."""
    app = create_frame()
    install(app, parts, rates)
    return app


def install(app: Flask, parts: Parts, rates: Rates | None = None) -> None:
    """Let the application answer by these parts, and no longer by those it had."""
    app.extensions[EXTENSION] = Installed(parts, Limits(parts.settings.redis_url or MEMORY, rates))


def create_frame() -> Flask:
    """All operations without an installation behind them: most of what an application costs, and the same for all."""
    app = Flask("calbridge", static_folder=None, template_folder="api/templates")
    app.json = _Compact(app)
    app.config.update(
        API_TITLE="calbridge",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        PROPAGATE_EXCEPTIONS=False,
    )
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    app.before_request(_begin)
    app.after_request(_end)
    _resources(app)
    problems.register(app)
    cors.register(app)
    return app


def _resources(app: Flask) -> None:
    api = documents.DocumentedApi(app, __version__)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint, url_prefix="/v1")
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics.blueprint)
    documents.register(app, api)


class _Compact(DefaultJSONProvider):
    """JSON as small as it gets, in the order in which it was made."""

    sort_keys = False
    compact = True

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """One line."""
        return super().dumps(obj, **({"separators": (",", ":")} | kwargs))


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(6)}"
    bind(request=g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
    unbind("request")
    return response
