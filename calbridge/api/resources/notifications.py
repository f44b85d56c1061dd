"""Where calendar services tell that something changed: no key, but an address that nobody can guess, and a token.

An address is looked up before the body is read. Known or not, the answer is that of the service's protocol; an address
on the internet that tries many unknown ones is told so, with every answer alike, while what it says under a known one
is heard all the same.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Response, request

from calbridge.api.blueprint import Blueprint, MethodView
from calbridge.api.bodies import read_bytes
from calbridge.api.here import installed
from calbridge.api.operation import refused_as
from calbridge.api.pages import NOBODY
from calbridge.errors import Refused
from calbridge.service.notifications import LARGEST_NOTICE, Incoming, address_of, hear

_WATCH_ID = re.compile(r"^[A-Za-z0-9_-]{43}$")
"""256 bits, as base64 for URLs (RFC 4648, 5)."""
ANSWERS = {
    200: "Heard, with what the service's protocol wants to read.",
    202: "Heard.",
    204: "Heard.",
}

blueprint = Blueprint("notifications", "Where calendar services tell of changes; for them alone.")


def _document(method: str) -> dict[str, Any]:
    text = {"schema": {"type": "string"}, "example": "Validation: Testing client application reachability"}
    answers: dict[int, dict[str, Any]] = {status: {"description": told} for status, told in ANSWERS.items()}
    answers[200]["content"] = {"text/plain": text, "text/xml": text}
    manual: dict[str, Any] = {
        "operationId": f"{method}_notification",
        "x-scope": NOBODY,
        "security": [],
        "responses": answers,
        "parameters": [
            {"in": "path", "name": "connector", "required": True, "schema": {"type": "string"}, "example": "google"},
            {
                "in": "path",
                "name": "watch_id",
                "required": True,
                "schema": {"type": "string", "pattern": _WATCH_ID.pattern},
                "example": "q1Xb0mZ3kT6vH8sLwY2nR5cJdP7eAfGu9iOoUhKjNtE",
            },
        ],
    }
    if method == "post":
        anything: dict[str, Any] = {"schema": {}, "example": ""}
        manual["requestBody"] = {
            "description": f"As the service's protocol has it; at most {LARGEST_NOTICE} bytes are read.",
            "required": False,
            "content": {"*/*": anything},
        }
    codes = ("path_not_found", "too_large", "too_many_requests", "database_unusable")
    return {"response": {"responses": refused_as(codes)}, "manual_doc": manual}


@blueprint.route("/notifications/<string:connector>/<string:watch_id>")
class Notification(MethodView):
    """One address of one push subscription."""

    def get(self, connector: str, watch_id: str) -> Response:
        """Prove that an address is heard

        Some services ask before they push.
        """
        return _answer(connector, watch_id)

    def post(self, connector: str, watch_id: str) -> Response:
        """Tell that a calendar changed

        Only says "look": what changed is asked of the service. An unknown address is answered like a known one.
        """
        return _answer(connector, watch_id)

    get._apidoc = _document("get")  # type: ignore[attr-defined]
    post._apidoc = _document("post")  # type: ignore[attr-defined]


def _answer(connector: str, watch_id: str) -> Response:
    if not _WATCH_ID.fullmatch(watch_id):
        raise Refused(code="path_not_found")
    there = installed()
    caller = request.remote_addr or ""
    limited = there.limits.too_many_unknown(caller)
    address = address_of(there.parts, connector, watch_id)
    if not address.known:
        there.limits.unknown_address(caller)
    headers = {name.lower(): value for name, value in request.headers.items()}
    told = hear(there.parts, address, Incoming(headers, dict(request.args.items()), lambda: read_bytes(LARGEST_NOTICE)))
    if limited is not None:
        raise limited
    made = Response(told.body, status=told.status)
    if told.content_type is None:
        made.headers.remove("Content-Type")
    else:
        made.headers["Content-Type"] = told.content_type
    return made
