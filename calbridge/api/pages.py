"""Pages for people, without a key and without scripts: how they are shown, refused and documented.

A page belongs to whoever has its address and its cookie; what goes wrong is a page, too, in the words of the catalogue.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from flask import Response, g, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from calbridge.api.here import VENDOR_SECONDS, installed
from calbridge.api.operation import PHRASES, operation_id
from calbridge.api.problems import log
from calbridge.api.statuses import status_of
from calbridge.catalogue import describe
from calbridge.errors import CalbridgeError, ConnectorError, Refused
from calbridge.service.parts import Actor, Parts

HTML = "text/html"
FORM = "application/x-www-form-urlencoded"
FORM_LIMIT = 10_000
LONGEST = 200
"""Characters of a parameter."""
NOBODY = "none"
"""``x-scope`` of an operation that needs no key."""
ALWAYS = ("malformed_request", "too_many_requests", "database_unusable")
EXAMPLE = '<!doctype html>\n<html lang="en">\n<title>{title}</title>\n<h1>{title}</h1>\n</html>\n'

View = Callable[..., Response]


def page(
    gives: Mapping[int, str],
    *,
    query: Sequence[Mapping[str, Any]] = (),
    form: Mapping[str, Any] | None = None,
    example: Mapping[str, str] | None = None,
    refuses: Sequence[str] = (),
) -> Callable[[View], View]:
    """Make a method of a resource a page. It is called as ``view(self, parts)``.

    ``gives``: statuses of success and what they mean. ``query``: its parameters, for the document. ``form``: schema of
    the form it takes, with an ``example``. ``refuses``: codes of the catalogue.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def run(self: object) -> Response:
            try:
                return view(self, _enter(form is not None))
            except Exception as error:
                return _failed(error)

        run._apidoc = _document(gives, query, form, example, (*ALWAYS, *refuses))  # type: ignore[attr-defined]
        run._apidoc["manual_doc"]["operationId"] = operation_id(view.__qualname__)  # type: ignore[attr-defined]
        return run

    return decorate


def shown(template: str, status: int = 200, *, leads_to: str | None = None, **values: Any) -> Response:
    """A page. ``leads_to``: an address elsewhere that its form may end at (browsers hold form-action against it)."""
    nonce = secrets.token_urlsafe(16)
    made = Response(render_template(template, nonce=nonce, **values), status, mimetype=HTML)
    there = urlsplit(leads_to) if leads_to else None
    elsewhere = f" {there.scheme}://{there.netloc}" if there else ""
    made.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'{elsewhere}; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    return guarded(made)


def guarded(response: Response) -> Response:
    """Told to nobody, kept by nobody, framed by nobody."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Frame-Options"] = "DENY"
    return response


def redirected(address: str) -> Response:
    """See there, with GET."""
    made = guarded(Response(status=303))
    made.headers["Location"] = address
    return made


def given(values: MultiDict[str, str], name: str, longest: int = LONGEST) -> str | None:
    """A parameter, if it is there. Raises Refused (``malformed_request``): twice, or too long."""
    found = values.getlist(name)
    if len(found) > 1 or any(len(each) > longest for each in found):
        raise Refused(f"{name} can't be used", code="malformed_request")
    return found[0] if found else None


def needed(values: MultiDict[str, str], name: str) -> str:
    """A parameter that must be there. Raises Refused (``malformed_request``)."""
    found = given(values, name)
    if not found:
        raise Refused(f"{name} is missing", code="malformed_request")
    return found


def _enter(takes_form: bool) -> Parts:
    """The parts, for somebody whom nobody knows. Raises Refused (``too_many_requests``, ``unsupported_media_type``)."""
    there = installed()
    there.limits.before_authentication(request.remote_addr or "")
    if takes_form:
        request.max_content_length = FORM_LIMIT
        if request.mimetype != FORM:
            raise Refused(f"use {FORM}", code="unsupported_media_type")
        request.form  # noqa: B018 - read here, so that what can't be read is refused in one place
    parts = there.parts.acting(Actor("page", request=g.request_id))
    return parts.waiting(VENDOR_SECONDS)


def _failed(error: Exception) -> Response:
    code, status = "internal_error", 500
    missing: tuple[str, ...] = ()
    if isinstance(error, CalbridgeError):
        code, status = error.code, status_of(error.code, connector=isinstance(error, ConnectorError))
        missing = tuple(map(str, _listed(error.facts.get("missing"))))
    elif isinstance(error, RequestEntityTooLarge):
        code, status = "too_large", 422
    elif isinstance(error, HTTPException) and error.code is not None and error.code < 500:
        code, status = "malformed_request", 400
    if code == "sign_in_expired":
        # Who guesses addresses of pages is stopped as who guesses keys.
        installed().limits.failed_authentication(request.remote_addr or "")
    if status >= 500:
        log.error("page_failed", code=code, exc_info=error)
    else:
        log.info("page_refused", code=code)
    made = shown(
        "failed.html",
        status,
        entry=describe(code),
        missing=missing,
        return_to=g.get("return_to"),
        request_id=g.request_id,
    )
    if isinstance(error, CalbridgeError) and "retry_after" in error.facts:
        made.headers["Retry-After"] = str(error.facts["retry_after"])
    return made


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _document(
    gives: Mapping[int, str],
    query: Sequence[Mapping[str, Any]],
    form: Mapping[str, Any] | None,
    example: Mapping[str, str] | None,
    codes: Sequence[str],
) -> dict[str, Any]:
    """What flask-smorest makes the document of."""
    parameters: list[dict[str, Any]] = [{"in": "query", **each} for each in query]
    if form is not None:
        body = {"in": "json", "required": True, "schema": dict(form), "content_type": FORM, "example": example}
        parameters.append(body)
        codes = (*codes, "unsupported_media_type", "too_large")
    responses: dict[int, list[dict[str, Any]]] = {}
    for status, meaning in gives.items():
        responses[status] = [_see(meaning) if status == 303 else _page({"shown": meaning}, meaning)]
    for code in dict.fromkeys(codes):
        status = status_of(code, connector=code in UPSTREAM)
        found = responses.setdefault(status, [_page({}, PHRASES[status])])
        found[0]["examples"][code] = {"value": EXAMPLE.format(title=describe(code).summary)}
    manual = {"x-scope": NOBODY, "security": []}
    told = dict(sorted(responses.items()))
    return {"arguments": {"parameters": parameters}, "response": {"responses": told}, "manual_doc": manual}


UPSTREAM = frozenset({"app_not_registered", "consent_incomplete", "throttled", "unavailable"})
"""Codes that a page tells for a calendar service."""


def _page(examples: Mapping[str, str], description: str) -> dict[str, Any]:
    values = {name: {"value": EXAMPLE.format(title=title)} for name, title in examples.items()}
    return {"description": description, "content_type": HTML, "schema": {"type": "string"}, "examples": values}


def _see(meaning: str) -> dict[str, Any]:
    headers = {"Location": {"schema": {"type": "string", "format": "uri-reference"}}}
    return {"description": meaning, "content_type": HTML, "headers": headers}
