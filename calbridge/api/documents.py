"""The OpenAPI document, and the page that shows it from local assets."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from flask import Flask, Response
from flask_smorest import Api
from flask_swagger_ui import get_swaggerui_blueprint
from werkzeug.routing import UnicodeConverter

from calbridge.api.schemas import ID_PATTERN

DOCUMENT = "/openapi.json"
PAGE = "/docs"
DESCRIPTION = """calbridge keeps a PSA user's My Calendar and a linked calendar (iCloud, CalDAV and others) the same, in
both directions.

**Keys.** Every call carries `Authorization: Bearer <key or token>`. A *platform key* makes tenants and their keys; a
tenant's *admin key* its settings; its *backend key* everything of its users; a *user token* of at most 15 minutes, made
by `POST /v1/users/{user_id}/tokens`, reaches what belongs to that user. `x-scope` says what an operation needs.

**Answers.** Lists are `{"data": [...], "next_cursor": ...}`: ask again with `cursor` until it is null. Times are those
of RFC 3339. Errors are problem details (RFC 9457) with a stable `code`, a sentence and a remedy. `X-Request-Id` names a
request in the log. PATCH is a merge patch (RFC 7396): what is absent is kept, `null` clears, lists are replaced whole.
"""
CONFIG: dict[str, Any] = {
    "persistAuthorization": True,
    "displayRequestDuration": True,
    "docExpansion": "none",
    "filter": True,
    # x-scope of each operation.
    "showExtensions": True,
    "tagsSorter": "alpha",
    "validatorUrl": "none",
}


class IdConverter(UnicodeConverter):
    """An id in a path. What is no id is refused by the operation with 422, not by the router with 404."""


def options(version: str) -> dict[str, Any]:
    """What the document says of the whole API."""
    return {
        "info": {
            "description": DESCRIPTION,
            "x-calbridge-version": version,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "This installation."}],
    }


def prepare(api: Api) -> None:
    """What paths and security are made of."""
    api._app.url_map.converters["id"] = IdConverter
    api.register_converter(IdConverter, _id_schema)
    api.spec.components.security_scheme(
        "key",
        {"type": "http", "scheme": "bearer", "description": "A platform, admin or backend key, or a user token."},
    )


def _id_schema(_converter: UnicodeConverter) -> dict[str, Any]:
    return {"type": "string", "pattern": ID_PATTERN, "minLength": 1, "maxLength": 200}


class _Document:
    """The document as text, made once."""

    def __init__(self, api: Api) -> None:
        self._api = api

    @cached_property
    def text(self) -> str:
        """JSON."""
        found = self._api.spec.to_dict()
        for schema in found["components"]["schemas"].values():
            # What is not documented is neither taken nor given.
            if "properties" in schema:
                schema.setdefault("additionalProperties", False)
        return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def register(app: Flask, api: Api) -> None:
    """Serve the document, and the page over it."""
    document = _Document(api)

    @app.get(DOCUMENT)
    def openapi() -> Response:
        return Response(document.text, mimetype="application/json")

    page = get_swaggerui_blueprint(PAGE, DOCUMENT, config=CONFIG | {"app_name": "calbridge"})
    app.register_blueprint(page)
    app.extensions["calbridge-document"] = document


def document_of(app: Flask) -> str:
    """The OpenAPI document of an application, as ``openapi/calbridge.json`` holds it."""
    document: _Document = app.extensions["calbridge-document"]
    return document.text
