"""The OpenAPI document, and the page that shows it from local assets."""

from __future__ import annotations

import json
import threading
from typing import Any

from flask import Flask, Response
from flask_smorest import Api, Blueprint
from flask_swagger_ui import get_swaggerui_blueprint
from werkzeug.routing import UnicodeConverter

from calbridge.api.schemas import ID_PATTERN

DOCUMENT = "/openapi.json"
PAGE = "/docs"
_EXTENSION = "calbridge-document"
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


class DocumentedApi(Api):  # type: ignore[misc]
    """The resources of an application, and the document about them, which is made when it is asked for first.

    Making it takes longer than anything else when an application starts, and few processes are ever asked. It names no
    default error, which would hide undocumented answers, and has no error handlers of its own.
    """

    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask, version: str) -> None:
        super().__init__(app, spec_kwargs=_options(version))
        app.url_map.converters["id"] = IdConverter
        self.register_converter(IdConverter, _id_schema)
        self.spec.components.security_scheme(
            "key",
            {"type": "http", "scheme": "bearer", "description": "A platform, admin or backend key, or a user token."},
        )
        self._blueprints: list[Blueprint] = []
        self._lock = threading.Lock()
        self._text: str | None = None

    def register_blueprint(self, blp: Blueprint, **options: object) -> None:
        """Serve it, and keep in mind that the document has to tell of it."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp, **options)
        self._blueprints.append(blp)

    def text(self) -> str:
        """The document as JSON."""
        with self._lock:
            if self._text is None:
                self._text = self._made()
        return self._text

    def _made(self) -> str:
        for blueprint in self._blueprints:
            blueprint.register_views_in_doc(self, self._app, self.spec, name=blueprint.name, parameters=None)
            self.spec.tag({"name": blueprint.name, "description": blueprint.description})
        found = self.spec.to_dict()
        for schema in found["components"]["schemas"].values():
            # What is not documented is neither taken nor given.
            if "properties" in schema:
                schema.setdefault("additionalProperties", False)
        return json.dumps(found, indent=2, ensure_ascii=False) + "\n"

    def _register_error_handlers(self) -> None:
        pass


def _options(version: str) -> dict[str, Any]:
    """What the document says of the whole API."""
    return {
        "info": {
            "description": DESCRIPTION,
            "x-calbridge-version": version,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "This installation."}],
    }


def _id_schema(_converter: UnicodeConverter) -> dict[str, Any]:
    return {"type": "string", "pattern": ID_PATTERN, "minLength": 1, "maxLength": 200}


def register(app: Flask, api: DocumentedApi) -> None:
    """Serve the document, and the page over it."""

    @app.get(DOCUMENT)
    def openapi() -> Response:
        return Response(api.text(), mimetype="application/json")

    page = get_swaggerui_blueprint(PAGE, DOCUMENT, config=CONFIG | {"app_name": "calbridge"})
    app.register_blueprint(page)
    app.extensions[_EXTENSION] = api


def document_of(app: Flask) -> str:
    """The OpenAPI document of an application, as ``openapi/calbridge.json`` holds it."""
    api: DocumentedApi = app.extensions[_EXTENSION]
    return api.text()
