"""Which pages may call from a browser (Fetch standard, CORS): origins that the operator or the tenant allows.

A preflight carries no key, so it is answered for an origin that anybody here allows; the answer itself names the
origin only where the caller's own tenant, or the operator, allows it.
"""

from __future__ import annotations

from flask import Flask, Response, g, request

from calbridge.api.here import installed
from calbridge.service.origins import allowed_anywhere, allowed_for

METHODS = "GET, POST, PUT, PATCH, DELETE"
HEADERS = "Authorization, Content-Type, If-Match, If-None-Match, X-Request-Id"
EXPOSED = "ETag, Retry-After, X-Request-Id"
HOUR = "3600"


def register(app: Flask) -> None:
    """Answer preflights and mark answers."""
    app.before_request(_preflight)
    app.after_request(_mark)


def _preflight() -> Response | None:
    origin = request.headers.get("Origin")
    if request.method != "OPTIONS" or origin is None or "Access-Control-Request-Method" not in request.headers:
        return None
    answer = Response(status=204)
    answer.headers["Vary"] = "Origin"
    if allowed_anywhere(installed().parts, origin):
        answer.headers.update(
            {
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Allow-Methods": METHODS,
                "Access-Control-Allow-Headers": HEADERS,
                "Access-Control-Max-Age": HOUR,
            }
        )
    return answer


def _mark(response: Response) -> Response:
    origin = request.headers.get("Origin")
    if origin is None or request.method == "OPTIONS":
        return response
    response.headers.add("Vary", "Origin")
    caller = g.get("caller")
    if allowed_for(installed().parts, caller.tenant if caller else None, origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
    return response
