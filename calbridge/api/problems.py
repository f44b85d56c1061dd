"""Errors as problem details (RFC 9457): one shape, one catalogue of codes, no traceback."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Flask, Response, g
from marshmallow import fields
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from calbridge.api.schemas import AnswerSchema
from calbridge.api.statuses import status_of
from calbridge.catalogue import describe
from calbridge.errors import CalbridgeError, ConnectorError
from calbridge.log import get_logger
from calbridge.service.views import rfc3339

PROBLEM = "application/problem+json"
TOLD = ("field", "leaving", "until", "state", "reason", "retry_after", "limit", "scope", "errors")
"""Facts of an error that a caller may read; the others are for the log."""
log = get_logger(__name__)


class FieldProblem(AnswerSchema):
    """One value that can't be used."""

    field = fields.Str(required=True)
    detail = fields.Str(required=True)


class ProblemSchema(AnswerSchema):
    """An error."""

    type = fields.Str(required=True, metadata={"description": "A name for this kind of error: urn:calbridge:<code>."})
    title = fields.Str(required=True, metadata={"description": "What is wrong, in one sentence."})
    status = fields.Int(required=True)
    code = fields.Str(required=True, metadata={"description": "Stable; see the list of errors."})
    detail = fields.Str(metadata={"description": "More about this one case, where there is more to say."})
    remedy = fields.Str(required=True, metadata={"description": "What to do about it."})
    who = fields.Str(
        required=True, metadata={"description": "Who can do it.", "enum": ["user", "admin", "retry", "developer"]}
    )
    field = fields.Str(metadata={"description": "Dotted place of the value that can't be used."})
    errors = fields.List(
        fields.Nested(FieldProblem),
        metadata={"description": "All values that can't be used, where there are several; the first is also `field`."},
    )
    scope = fields.Str(metadata={"description": "What the key or token would need."})
    leaving = fields.Int(metadata={"description": "How many events would leave the calendar: confirm this number."})
    until = fields.Str(metadata={"description": "When it can be tried again."})
    state = fields.Str()
    reason = fields.Str(allow_none=True)
    retry_after = fields.Int(metadata={"description": "Seconds to wait."})
    limit = fields.Int()
    request_id = fields.Str(required=True, metadata={"description": "Names this request in the log."})


def problem(code: str, status: int, detail: str = "", facts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The members of an error."""
    entry = describe(code)
    told: dict[str, Any] = {"type": f"urn:calbridge:{code}", "title": entry.summary, "status": status, "code": code}
    if detail:
        told["detail"] = detail
    told |= {"remedy": entry.remedy, "who": entry.who.value}
    for name in TOLD:
        if facts and name in facts:
            value = facts[name]
            told[name] = rfc3339(value) if isinstance(value, datetime) else value
    return told | {"request_id": getattr(g, "request_id", "") if g else ""}


def problem_response(code: str, status: int, detail: str = "", facts: Mapping[str, Any] | None = None) -> Response:
    """An error as a response."""
    made = Response(json.dumps(problem(code, status, detail, facts)), status, mimetype=PROBLEM)
    if status == 401:
        made.headers["WWW-Authenticate"] = 'Bearer realm="calbridge"'
    if facts and "retry_after" in facts:
        made.headers["Retry-After"] = str(facts["retry_after"])
    return made


def register(app: Flask) -> None:
    """Make every error of a request a problem."""
    app.register_error_handler(CalbridgeError, _known)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unknown)


def _known(error: CalbridgeError) -> Response:
    status = status_of(error.code, connector=isinstance(error, ConnectorError))
    if status >= 500:
        log.error("request_failed", code=error.code, exc_info=error)
    else:
        log.info("request_refused", code=error.code)
    # What a calendar service said is for the log: it may hold anything.
    detail = "" if isinstance(error, ConnectorError) or status >= 500 else error.detail
    return problem_response(error.code, status, detail, error.facts)


def _http(error: HTTPException) -> Response:
    if isinstance(error, NotFound):
        return problem_response("path_not_found", 404)
    if isinstance(error, MethodNotAllowed):
        made = problem_response("method_not_allowed", 405)
        made.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return made
    if isinstance(error, RequestEntityTooLarge):
        return problem_response("too_large", 422, facts={"field": "body"})
    if error.code is not None and 400 <= error.code < 500:
        return problem_response("malformed_request", error.code)
    return _unknown(error)


def _unknown(error: Exception) -> Response:
    log.error("unexpected_error", exc_info=error)
    return problem_response("internal_error", 500)
