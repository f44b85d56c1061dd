"""What all integration tests share: statements are compiled once in a process, not once for each test's database."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event


class Compiled(MutableMapping[tuple[Any, ...], Any]):
    """Compiled statements by what they are and the kind of database.

    SQLAlchemy asks by the dialect's object, of which each engine has one of its own; those of one kind compile alike.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[Any, ...], Any] = {}

    @staticmethod
    def _key(key: tuple[Any, ...]) -> tuple[Any, ...]:
        dialect: Dialect = key[0]
        return type(dialect), *key[1:]

    def __getitem__(self, key: tuple[Any, ...]) -> Any:
        return self._kept[self._key(key)]

    def __setitem__(self, key: tuple[Any, ...], value: Any) -> None:
        self._kept[self._key(key)] = value

    def __delitem__(self, key: tuple[Any, ...]) -> None:
        del self._kept[self._key(key)]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)


_compiled = Compiled()


@event.listens_for(Engine, "engine_connect")
def _share(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_compiled)
