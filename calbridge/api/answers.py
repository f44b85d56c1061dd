"""What a view answers with, and how it becomes an HTTP response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Response, current_app

from calbridge.api.cursors import encode

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """A body with what differs from the operation's usual status."""

    body: Any
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def page(rows: Sequence[Any], limit: int, place: Any) -> dict[str, Any]:
    """A page of a list of which ``limit + 1`` rows were asked for; the next one begins after ``place(row)``."""
    shown = list(rows[:limit])
    return {"data": shown, "next_cursor": encode(place(shown[-1])) if len(rows) > limit else None}


def response(result: Any, status: int, *, versioned: bool) -> Response:
    """The HTTP response of what a view gave; with the ETag of the body's version (RFC 9110, 8.8.3)."""
    answer = result if isinstance(result, Answer) else Answer(result)
    made = Response(status=answer.status or status, mimetype=JSON)
    if answer.body is None:
        made.headers.remove("Content-Type")
    else:
        made.set_data(current_app.json.dumps(answer.body))
    if versioned and isinstance(answer.body, Mapping) and "version" in answer.body:
        made.headers["ETag"] = f'"{answer.body["version"]}"'
    made.headers.update(answer.headers)
    return made
