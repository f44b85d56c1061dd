"""Bodies and query strings from outside, read strictly (DESIGN: REST API)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NoReturn

from flask import request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from calbridge.errors import Refused
from calbridge.service.values import invalid

DEEPEST = 30
"""Levels of nesting; an item needs six."""
MERGE_PATCH = "application/merge-patch+json"


def read_json(types: Collection[str], limit: int) -> Any:
    """The JSON of the request's body.

    Raises Refused (``unsupported_media_type``, ``too_large``, ``malformed_json``, ``invalid_value``).
    """
    if request.mimetype not in types:
        raise Refused(f"use {' or '.join(types)}", code="unsupported_media_type")
    try:
        found = json.loads(read_bytes(limit).decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused(code="malformed_json") from None
    _check_texts(found)
    return found


def read_text(kind: str, limit: int) -> str:
    """The text of the request's body.

    Raises Refused (``unsupported_media_type``, ``too_large``, ``malformed_request``).
    """
    if request.mimetype != kind:
        raise Refused(f"use {kind}", code="unsupported_media_type")
    try:
        return read_bytes(limit).decode("utf-8-sig")
    except ValueError:
        raise Refused("must be UTF-8", code="malformed_request") from None


def read_bytes(limit: int) -> bytes:
    """The body as it is, of at most ``limit`` bytes. Raises Refused (``too_large``)."""
    request.max_content_length = limit
    try:
        data = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise Refused(f"at most {limit} bytes", code="too_large", field="body") from None
    return data


def loaded(schema: Schema, data: Any) -> Any:
    """``data`` as the schema makes it. Raises Refused (``invalid_value``) naming the first field that can't be used."""
    try:
        return schema.load(data)
    except ValidationError as error:
        field, problem = _first(error.messages)
        raise invalid(field or "body", problem) from None


def read_query(schema: Schema | None) -> dict[str, Any]:
    """The query's parameters; an unknown or repeated one is refused by name. Raises Refused (``invalid_value``)."""
    given = dict(request.args.lists())
    for name, values in given.items():
        if len(values) > 1 and name in (schema.fields if schema else ()):
            raise invalid(name, "is given more than once")
    if schema is None:
        for name in given:
            raise invalid(name[:60], "is not known")
        return {}
    found: dict[str, Any] = loaded(schema, {name: values[0] for name, values in given.items()})
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _check_texts(value: Any) -> None:
    """No NUL, no lone surrogate, no absurd nesting: what no database and no calendar takes."""
    for depth, text in _texts(value, 0):
        if depth > DEEPEST:
            raise invalid("body", f"must be nested at most {DEEPEST} levels deep")
        if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
            raise invalid("body", "must hold no half characters")
        if "\x00" in text:
            raise invalid("body", "must hold no NUL")


def _texts(value: Any, depth: int) -> Iterator[tuple[int, str]]:
    if isinstance(value, str):
        yield depth, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield depth, name
            yield from _texts(inner, depth + 1)
    elif isinstance(value, list):
        if depth > DEEPEST:
            yield depth, ""
        for inner in value:
            yield from _texts(inner, depth + 1)


def _first(messages: Any, path: str = "") -> tuple[str, str]:
    """One problem out of what marshmallow found: its dotted place and what is wrong."""
    if isinstance(messages, Mapping):
        name, inner = next(iter(messages.items()))
        if name == "_schema":
            return _first(inner, path)
        step = f"[{name}]" if isinstance(name, int) else f".{name}" if path else str(name)
        return _first(inner, f"{path}{step}"[:200])
    found = messages[0] if isinstance(messages, list) and messages else messages
    return (path, str(found)) if isinstance(found, str) else _first(found, path)
