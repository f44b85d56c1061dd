"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Integer, LargeBinary, String, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

T = TypeVar("T")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ESCAPE = "\x1b"
_EMPTY: Mapping[type, str] = {list: "[]", dict: "{}", tuple: "[]"}
_compact = json.JSONEncoder(separators=(",", ":")).encode
_COMPRESSION = (1, zlib.DEFLATED, 13, 5)
"""Level, method, window and memory of zlib: resources of a few kB shrink to a third with any; least costs least."""

Serial = BigInteger().with_variant(Integer, "sqlite")
"""An integer that numbers itself; SQLite does that for INTEGER only."""

Name = String(200).with_variant(String(200, collation="C"), "postgresql")
"""An id or a short word: case-sensitive, ordered by code point on both databases."""


@lru_cache(maxsize=4096)
def digest(text: str) -> str:
    """What long ids are indexed by: PostgreSQL can't index values of more than about 2,700 bytes."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    return (moment - EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    """The aware UTC time of :func:`micros`."""
    return EPOCH + timedelta(microseconds=value)


class JsonText(str):
    """JSON that is encoded already, for a column of :class:`Json`."""

    __slots__ = ()


def json_text(value: Any) -> JsonText:
    """A value as such a column stores it, to be encoded once for many rows."""
    return JsonText(_compact(value))


class _Direct(TypeDecorator[T]):
    """A type whose values go to the driver as :meth:`stored` makes them, without the calls that stand around it."""

    @staticmethod
    def stored(value: Any | None) -> Any:
        """A value as the driver takes it; None stays None."""
        raise NotImplementedError

    def bind_processor(self, dialect: Dialect) -> Callable[[Any | None], Any]:
        """What SQLAlchemy asks for."""
        return self.stored

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> Any:
        """The same for a value that is written into a statement."""
        return self.stored(value)


class Instant(_Direct[datetime]):
    """An aware time as microseconds since 1970: exact and comparable on every database."""

    impl = BigInteger
    cache_ok = True

    @staticmethod
    def stored(value: datetime | None) -> int | None:
        """Aware time to integer."""
        return None if value is None else micros(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Integer to aware UTC."""
        return None if value is None else from_micros(value)


class Opaque(_Direct[str]):
    """Text from outside, of any length, kept to the letter.

    PostgreSQL takes no NUL and no database takes a lone surrogate; text with one of them is stored escaped.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Ordered by code point on both databases."""
        return dialect.type_descriptor(Text(collation="C") if dialect.name == "postgresql" else Text())

    @staticmethod
    def stored(value: str | None) -> str | None:
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


class Json(_Direct[Any]):
    """Plain JSON values as ASCII text, so that any character survives on both databases."""

    impl = Text
    cache_ok = True

    @staticmethod
    def stored(value: Any | None) -> str | None:
        """Value to text."""
        if value is None or type(value) is JsonText:
            return value
        # Most lists and maps of a row are empty, and encoding one costs as much as encoding many words.
        return _compact(value) if value else _EMPTY.get(type(value)) or _compact(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any:
        """Text to value."""
        return None if value is None else json.loads(value)


class Texts(TypeDecorator[list[str]]):
    """A list of texts as one value, to ask for its members; PostgreSQL has such a type, SQLite reads JSON."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """An array where there are some."""
        if dialect.name != "postgresql":
            return dialect.type_descriptor(Text())
        # Loaded by use: PostgreSQL's part is large, and an installation has one database.
        from sqlalchemy.dialects.postgresql import ARRAY

        return dialect.type_descriptor(ARRAY(Text()))

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> Any:
        """JSON text, or the list itself."""
        return value if value is None or dialect.name == "postgresql" else _compact(value)


class Packed(TypeDecorator[bytes]):
    """Bytes, compressed."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Compress."""
        if value is None:
            return None
        packer = zlib.compressobj(*_COMPRESSION)
        return packer.compress(value) + packer.flush()

    def process_result_value(self, value: Any | None, dialect: Dialect) -> bytes | None:
        """Decompress."""
        return None if value is None else zlib.decompress(value)
