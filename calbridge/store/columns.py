"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Integer, LargeBinary, String, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ESCAPE = "\x1b"
_compact = json.JSONEncoder(separators=(",", ":")).encode
_COMPRESSION = 1
"""zlib level: resources of a few kB shrink to a third at any level; the lowest costs least."""

Serial = BigInteger().with_variant(Integer, "sqlite")
"""An integer that numbers itself; SQLite does that for INTEGER only."""

Name = String(200).with_variant(String(200, collation="C"), "postgresql")
"""An id or a short word: case-sensitive, ordered by code point on both databases."""


def digest(text: str) -> str:
    """What long ids are indexed by: PostgreSQL can't index values of more than about 2,700 bytes."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    """The aware UTC time of :func:`micros`."""
    return _EPOCH + timedelta(microseconds=value)


class Instant(TypeDecorator[datetime]):
    """An aware time as microseconds since 1970: exact and comparable on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Aware time to integer."""
        return None if value is None else micros(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Integer to aware UTC."""
        return None if value is None else from_micros(value)


class Opaque(TypeDecorator[str]):
    """Text from outside, of any length, kept to the letter.

    PostgreSQL takes no NUL and no database takes a lone surrogate; text with one of them is stored escaped.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Ordered by code point on both databases."""
        return dialect.type_descriptor(Text(collation="C") if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Escape what a database can't hold."""
        if value is None or not _needs_escape(value):
            return value
        return _ESCAPE + json.dumps(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        """The text as it was given."""
        if value is None or not value.startswith(_ESCAPE):
            return value
        return str(json.loads(value[1:]))


def _needs_escape(value: str) -> bool:
    if value.isascii():
        return "\x00" in value or value.startswith(_ESCAPE)
    return "\x00" in value or value.startswith(_ESCAPE) or any("\ud800" <= sign <= "\udfff" for sign in value)


class Json(TypeDecorator[Any]):
    """Plain JSON values as ASCII text, so that any character survives on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:
        """Value to text."""
        return None if value is None else _compact(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any:
        """Text to value."""
        return None if value is None else json.loads(value)


class Packed(TypeDecorator[bytes]):
    """Bytes, compressed."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Compress."""
        return None if value is None else zlib.compress(value, _COMPRESSION)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> bytes | None:
        """Decompress."""
        return None if value is None else zlib.decompress(value)
