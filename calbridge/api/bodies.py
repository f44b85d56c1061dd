"""Bodies and query strings from outside, read strictly (DESIGN: REST API)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NoReturn

from flask import request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from calbridge.errors import Refused
from calbridge.service.values import invalid

DEEPEST = 30
"""Levels of nesting; an item needs six."""
MOST_PROBLEMS = 20
"""That one answer names."""
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
    """``data`` as the schema makes it. Raises Refused (``invalid_value``) naming what can't be used."""
    try:
        return schema.load(data)
    except ValidationError as error:
        raise refusal(islice(_problems(error.messages), MOST_PROBLEMS)) from None


def refusal(problems: Iterable[tuple[str, str]]) -> Refused:
    """The refusal of what has these places and problems, the first of them as that of a single one."""
    (field, detail), *more = problems
    if not more:
        return invalid(field, detail)
    told = [{"field": name, "detail": problem} for name, problem in [(field, detail), *more]]
    return Refused(detail, code="invalid_value", field=field, errors=told)


def read_query(schema: Schema | None) -> dict[str, Any]:
    """The query's parameters; an unknown or repeated one is refused by name. Raises Refused (``invalid_value``)."""
    given = dict(request.args.lists())
    for name, values in given.items():
        if len(values) > 1 and name in (schema.fields if schema else ()):
            raise invalid(name, "is given more than once")
    if schema is None:
        if given:
            raise refusal((name[:60], "is not known") for name in islice(given, MOST_PROBLEMS))
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


def _problems(messages: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """What marshmallow found, a problem for each dotted place."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            step = (
                "" if name == "_schema" else f"[{name}]" if isinstance(name, int) else f".{name}" if path else str(name)
            )
            yield from _problems(inner, f"{path}{step}"[:200])
        return
    found = messages[0] if isinstance(messages, list) and messages else messages
    if isinstance(found, Mapping):
        yield from _problems(found, path)
    else:
        yield path or "body", str(found)
