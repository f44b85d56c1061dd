"""Refusals in the API's own form (dossier 8)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


class ApiError(Exception):
    """One refusal: status, reason and message, with more headers where there are some."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str = "",
        *,
        domain: str = "global",
        location: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message or reason
        self.domain = domain
        self.location = location
        self.headers = dict(headers or {})

    def answer(self) -> Answer:
        """The error as it is sent."""
        told = {"domain": self.domain, "reason": self.reason, "message": self.message}
        if self.location is not None:
            told |= {"locationType": "parameter", "location": self.location}
        body = {"error": {"code": self.status, "message": self.message, "errors": [told]}}
        return Answer(self.status, body, self.headers)


@dataclass(frozen=True)
class Answer:
    """What is sent back: a JSON body, None for no content, or text with a type of its own."""

    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None

    def encoded(self) -> tuple[bytes, str]:
        """Body and content type."""
        if self.text is not None:
            return self.text.encode(), "text/html; charset=utf-8"
        if self.body is None:
            return b"", "text/html"
        return json.dumps(self.body).encode(), "application/json; charset=UTF-8"


class Dropped(Exception):
    """The connection ends without an answer."""


def bad(message: str, location: str | None = None, reason: str = "invalid") -> ApiError:
    """A request that can't be."""
    return ApiError(400, reason, message, location=location)


def not_found() -> ApiError:
    """No such calendar or event, or no access to it."""
    return ApiError(404, "notFound", "Not Found")
