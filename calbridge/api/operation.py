"""One decorator for an operation: who may do it, what it takes, answers and refuses, and the document of all that.

flask-smorest's own decorators are not used, for reasons that its author leaves open: its ETag hashes the body and
answers 428, its paging counts, its default error hides what is not documented, and answers that use cases made in
their final shape need not be built a second time by a schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Response, request
from marshmallow import Schema

from calbridge.api.answers import JSON, response
from calbridge.api.bodies import loaded, read_json, read_query, read_text
from calbridge.api.here import enter
from calbridge.api.problems import PROBLEM, ProblemSchema, problem
from calbridge.api.schemas import ID_PATTERN
from calbridge.api.statuses import status_of
from calbridge.service.access import Scope
from calbridge.service.values import invalid

View = Callable[..., Any]
BODY_LIMIT = 2**20
_ID = re.compile(ID_PATTERN)
_PRECONDITION = re.compile(r'\s*(?:W/)?"(\d{1,15})"\s*')
ALWAYS = ("unauthenticated", "scope_missing", "too_many_requests", "database_unusable", "database_locked")
PHRASES = {
    200: "Done.",
    201: "Made.",
    202: "Accepted: it goes on by itself.",
    204: "Done.",
    400: "The request can't be read.",
    401: "No valid key or token was presented.",
    403: "The key or token may not do this.",
    404: "There is no such thing, or none that may be seen.",
    409: "It can't be done as things stand.",
    410: "What the cursor led to is forgotten.",
    412: "It changed since it was read, or is there already.",
    415: "The content type can't be read.",
    422: "A value can't be used.",
    429: "Too often.",
    502: "The calendar service could not be used.",
    503: "The service can't answer now.",
}


@dataclass(frozen=True, slots=True)
class Takes:
    """A body: its schema, an example, and how it is sent."""

    schema: type[Schema]
    example: Any
    types: tuple[str, ...] = (JSON,)
    limit: int = BODY_LIMIT


@dataclass(frozen=True, slots=True)
class TakesText:
    """A body of text, in UTF-8."""

    type: str
    example: str
    limit: int


@dataclass(frozen=True, slots=True)
class Gives:
    """An answer: its schema and an example; neither where there is no body."""

    status: int
    schema: type[Schema] | None = None
    example: Any = None
    more: Mapping[int, str] | None = None
    """Other statuses of success, and when they are given: with the same body, but 204 with none."""


def operation(
    scope: Scope,
    gives: Gives,
    *,
    takes: Takes | TakesText | None = None,
    query: type[Schema] | None = None,
    refuses: Sequence[str] = (),
    versioned: bool = False,
    conditional: bool = False,
    upstream: bool = False,
) -> Callable[[View], View]:
    """Make a method of a resource an operation. It is called as ``view(self, here, **path, ...)`` with ``query`` and
    ``body`` where those are taken, and ``if_version`` where it is ``conditional``; a ``put`` then with ``create_only``.

    ``refuses`` are codes of the catalogue. ``versioned``: the answer has an ETag. ``upstream``: a calendar service is
    asked meanwhile.
    """
    asked = None if query is None else query()
    read = _reader(takes)

    def decorate(view: View) -> View:
        @wraps(view)
        def run(self: object, **path: str) -> Response:
            here = enter(scope)
            _check_path(path)
            values: dict[str, Any] = dict(path)
            found = read_query(asked)
            if asked is not None:
                values["query"] = found
            if conditional:
                values |= _preconditions(creates=view.__name__ == "put")
            if read is not None:
                values["body"] = read()
            return response(view(self, here, **values), gives.status, versioned=versioned)

        codes = _codes(refuses, takes, conditional=conditional, upstream=upstream)
        creates = conditional and view.__name__ == "put"
        document = _document(scope, gives, takes, query, codes, versioned, conditional, creates)
        document["manual_doc"]["operationId"] = operation_id(view.__qualname__)
        run._apidoc = document  # type: ignore[attr-defined]
        return run

    return decorate


def _reader(takes: Takes | TakesText | None) -> Callable[[], Any] | None:
    """What reads the body, as the operation takes it."""
    match takes:
        case Takes():
            schema = takes.schema()
            return lambda: loaded(schema, read_json(takes.types, takes.limit))
        case TakesText():
            return lambda: read_text(takes.type, takes.limit)
        case None:
            return None


def operation_id(qualified: str) -> str:
    """``UserTokens.post`` is ``post_user_tokens``."""
    resource, _, method = qualified.rpartition(".")
    return f"{method}_{re.sub('(?<!^)(?=[A-Z])', '_', resource).lower()}"


def _check_path(path: Mapping[str, str]) -> None:
    for name, value in path.items():
        if not _ID.match(value):
            raise invalid(name, "1 to 200 of A-Z a-z 0-9 . _ ~ @ : -")


def _preconditions(*, creates: bool) -> dict[str, Any]:
    """``If-Match`` and, where something may be created, ``If-None-Match: *`` (RFC 9110, 13.1)."""
    match, none_match = request.headers.get("If-Match"), request.headers.get("If-None-Match")
    if none_match is not None and (none_match.strip() != "*" or not creates):
        raise invalid("If-None-Match", "can only be *, and only where something may be created")
    found: dict[str, Any] = {"create_only": none_match is not None} if creates else {}
    return found | {"if_version": _version(match)}


def _version(match: str | None) -> int | None:
    if match is None or match.strip() == "*":
        return None
    found = _PRECONDITION.fullmatch(match)
    if found is None:
        raise invalid("If-Match", "must be the ETag of an earlier answer")
    return int(found[1])


def must_be_there() -> bool:
    """Whether ``If-Match: *`` wants the thing to be there already."""
    return request.headers.get("If-Match", "").strip() == "*"


def _codes(
    refuses: Sequence[str],
    takes: Takes | TakesText | None,
    *,
    conditional: bool,
    upstream: bool,
) -> list[str]:
    """All codes of an operation: its own, and those that come with what it takes."""
    codes = [*ALWAYS, *refuses, "invalid_value"]
    if takes is not None:
        codes += ["malformed_json" if isinstance(takes, Takes) else "malformed_request"]
        codes += ["unsupported_media_type", "too_large"]
    if conditional:
        codes += ["precondition_failed"]
    if upstream:
        codes += UPSTREAM_CODES
    return list(dict.fromkeys(codes))


UPSTREAM_CODES = (
    "unavailable",
    "timed_out",
    "host_unreachable",
    "tls_failed",
    "malformed_answer",
    "sign_in_required",
    "permission_missing",
    "address_refused",
    "private_network_needed",
    "throttled",
)
"""What a person meets where a calendar service is asked during a request."""
GUARDED = frozenset({"address_refused", "private_network_needed"})
"""Refusals of addresses: of the account's where a service is asked, elsewhere of one in the body."""
CONNECTOR_CODES = frozenset({*UPSTREAM_CODES, "app_not_registered", "calendar_gone"})


def _document(
    scope: Scope,
    gives: Gives,
    takes: Takes | TakesText | None,
    query: type[Schema] | None,
    codes: Sequence[str],
    versioned: bool,
    conditional: bool,
    creates: bool,
) -> dict[str, Any]:
    """What flask-smorest makes the document of."""
    parameters: list[dict[str, Any]] = []
    if query is not None:
        parameters.append({"in": "query", "schema": query, "required": False})
    if takes is not None:
        body: dict[str, Any] = {"in": "json", "required": True, "example": takes.example}
        if isinstance(takes, Takes):
            body |= {"schema": takes.schema, "content_type": takes.types[0]}
        else:
            body |= {"schema": {"type": "string"}, "content_type": takes.type}
        parameters.append(body)
    manual: dict[str, Any] = {"x-scope": scope.value, "security": [{"key": []}]}
    if conditional:
        manual["parameters"] = [_IF_MATCH, _IF_NONE_MATCH] if creates else [_IF_MATCH]
    responses: dict[int, list[dict[str, Any]]] = {
        status: [_success(gives, status, when, versioned)]
        for status, when in {gives.status: PHRASES[gives.status], **(gives.more or {})}.items()
    }
    for status, refusals in refused_as(codes).items():
        responses.setdefault(status, []).extend(refusals)
    return {"arguments": {"parameters": parameters}, "response": {"responses": responses}, "manual_doc": manual}


def refused_as(codes: Sequence[str]) -> dict[int, list[dict[str, Any]]]:
    """The document of refusals with these codes, by status."""
    found: dict[int, list[dict[str, Any]]] = {}
    # That code is listed where a calendar service is asked.
    for status, examples in _refusals(codes, upstream="unavailable" in codes).items():
        told = {"schema": ProblemSchema, "content_type": PROBLEM, "description": PHRASES[status], "examples": examples}
        if status == 429:
            told["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
        found[status] = [told]
    return found


def _success(gives: Gives, status: int, description: str, versioned: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"description": description, "content_type": JSON}
    if gives.schema is not None and status != 204:
        told |= {"schema": gives.schema, "example": gives.example}
    if versioned:
        told["headers"] = {"ETag": {"schema": {"type": "string"}, "description": "The version, in quotes."}}
    return told


def _refusals(codes: Sequence[str], *, upstream: bool) -> dict[int, dict[str, Any]]:
    """Statuses with an example for each code."""
    found: dict[int, dict[str, Any]] = {}
    for code in codes:
        status = status_of(code, connector=code in CONNECTOR_CODES - (frozenset() if upstream else GUARDED))
        facts = {"field": "title"} if status == 422 else {"retry_after": 30} if status == 429 else {}
        example = problem(code, status, facts=facts) | {"request_id": "req_4f6c1d2e9a7b"}
        found.setdefault(status, {})[code] = {"value": example}
    return dict(sorted(found.items()))


_IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": False,
    "schema": {"type": "string", "pattern": '^(\\*|(W/)?"[0-9]{1,15}")$'},
    "description": "The ETag that was read: 412 where it changed since.",
}
_IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "schema": {"type": "string", "enum": ["*"]},
    "description": "* creates only: 412 where it is there already.",
}
