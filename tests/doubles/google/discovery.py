"""What the bundled discovery document knows: methods, their parameters, the fields of bodies."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote

from googleapiclient.discovery_cache import get_static_doc

from tests.doubles.google.refusing import ApiError, bad

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@cache
def document() -> dict[str, Any]:
    """The document itself."""
    return dict(json.loads(get_static_doc("calendar", "v3")))


@dataclass(frozen=True)
class Operation:
    """One method of the API as it was called."""

    name: str
    spec: Mapping[str, Any]
    path: Mapping[str, str]

    @property
    def request_schema(self) -> str | None:
        """The schema of its body."""
        found = self.spec.get("request")
        return None if found is None else str(found["$ref"])

    @property
    def scopes(self) -> frozenset[str]:
        """Any one of these is enough."""
        return frozenset(self.spec.get("scopes", ()))


@cache
def _routes() -> tuple[tuple[str, re.Pattern[str], str, Mapping[str, Any]], ...]:
    found = []
    for resource, content in document()["resources"].items():
        for method, spec in content["methods"].items():
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", spec["path"])
            found.append((spec["httpMethod"], re.compile(pattern), f"{resource}.{method}", spec))
    # Fixed words before placeholders: events/import is no event id.
    return tuple(sorted(found, key=lambda route: route[3]["path"].count("{")))


def operation(http_method: str, path: str) -> Operation:
    """The method behind a path below the service path. Raises ApiError 404 for what the document does not know."""
    for method, pattern, name, spec in _routes():
        match = pattern.fullmatch(path)
        if match is not None and method == http_method:
            return Operation(name, spec, {key: unquote(value) for key, value in match.groupdict().items()})
    raise ApiError(404, "notFound", f"no such method: {http_method} {path}")


def checked_query(called: Operation, pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """The query by name. Raises ApiError 400 for unknown names, repeated ones and values of another type."""
    known = {**document()["parameters"], **called.spec.get("parameters", {})}
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        spec = known.get(name)
        if spec is None or spec.get("location") == "path":
            raise bad(f"unknown parameter {name}", name)
        found.setdefault(name, []).append(value)
        if len(found[name]) > 1 and not spec.get("repeated"):
            raise bad(f"{name} is given twice", name)
        _check_text(name, value, spec)
    return found


def _check_text(name: str, value: str, spec: Mapping[str, Any]) -> None:
    kind = spec["type"]
    if kind == "boolean" and value not in ("true", "false"):
        raise bad(f"{name} is no boolean", name)
    if kind == "integer":
        low, high = int(spec.get("minimum", -(2**31))), int(spec.get("maximum", 2**31))
        if not re.fullmatch(r"-?\d+", value) or not low <= int(value) <= high:
            raise bad(f"{name} is no such number", name)
    if "enum" in spec and value not in spec["enum"]:
        raise bad(f"{name} is none of {spec['enum']}", name)
    if spec.get("format") == "date-time" and not _DATE_TIME.fullmatch(value):
        raise bad(f"{name} is no RFC 3339 time with an offset", name)


def check_body(schema: str, value: object, *, nulls: bool) -> None:
    """Raises ApiError 400 for fields that the schema does not know and values of another type."""
    _check_value({"$ref": schema}, value, schema, nulls=nulls)


def _check_value(spec: Mapping[str, Any], value: object, place: str, *, nulls: bool) -> None:
    if value is None:
        if not nulls:
            raise bad(f"{place} is null")
        return
    if "$ref" in spec:
        spec = document()["schemas"][spec["$ref"]]
    match spec.get("type"):
        case "object":
            _check_object(spec, value, place, nulls=nulls)
        case "array":
            if not isinstance(value, list):
                raise bad(f"{place} is no list")
            for each in value:
                _check_value(spec["items"], each, place, nulls=False)
        case kind:
            _check_leaf(str(kind), spec.get("format"), value, place)


def _check_object(spec: Mapping[str, Any], value: object, place: str, *, nulls: bool) -> None:
    if not isinstance(value, dict):
        raise bad(f"{place} is no object")
    known, other = spec.get("properties", {}), spec.get("additionalProperties")
    for name, each in value.items():
        if name not in known and other is None:
            raise bad(f"{place} has no field {name}")
        _check_value(known.get(name, other), each, f"{place}.{name}", nulls=nulls)


def _check_leaf(kind: str, form: str | None, value: object, place: str) -> None:
    types: dict[str, type | tuple[type, ...]] = {
        "string": str, "boolean": bool, "integer": int, "number": (int, float), "any": object,
    }  # fmt: skip
    if not isinstance(value, types[kind]) or (kind == "integer" and isinstance(value, bool)):
        raise bad(f"{place} is no {kind}")
    pattern = {"date": _DATE, "date-time": _LOCAL_TIME}.get(form or "")
    if pattern is not None and isinstance(value, str) and not pattern.fullmatch(value):
        raise bad(f"{place} is no {form}")
