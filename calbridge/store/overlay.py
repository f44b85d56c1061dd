"""What a page of a run has read and not yet written: point reads in memory, writes in batches.

A run asks for hundreds of single rows a page, by several keys. The first question for a key reads all rows that
have it; from then on the page knows them, because within its transaction nobody else changes them (the lease's row
is locked). Writes are collected and flushed in one executemany before anything is asked that memory can't answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

R = TypeVar("R")
Load = Callable[[str, Sequence[str]], Iterable[R]]
"""Rows whose index of this name has one of these keys."""


class Overlay(Generic[R]):
    """Rows of one kind. ``indexes``: name -> the keys of a row in it; the index ``id`` gives exactly one."""

    def __init__(
        self,
        indexes: Mapping[str, Callable[[R], Iterable[str]]],
        load: Load[R],
        store: Callable[[Sequence[R]], None],
        remove: Callable[[Sequence[str]], None],
    ) -> None:
        self._indexes = indexes
        self._load = load
        self._store = store
        self._remove = remove
        self._rows: dict[str, R] = {}
        self._by: dict[str, dict[str, dict[str, None]]] = {name: {} for name in indexes}
        self._covered: dict[str, set[str]] = {name: set() for name in indexes}
        self._dirty: dict[str, None] = {}
        self._dropped: dict[str, None] = {}

    def id_of(self, row: R) -> str:
        """The row's id."""
        return next(iter(self._indexes["id"](row)))

    def find(self, index: str, keys: Sequence[str]) -> list[R]:
        """Rows that have one of these keys in this index, each once."""
        covered = self._covered[index]
        if len(keys) == 1 and keys[0] in covered:
            return [self._rows[each] for each in self._by[index].get(keys[0], ())]
        wanted = dict.fromkeys(keys)
        missing = [key for key in wanted if key not in covered]
        if missing:
            self.flush()
            for row in self._load(index, missing):
                self.seen(row)
            covered.update(missing)
        having = self._by[index]
        found = [having[key] for key in wanted if key in having]
        if len(found) > 1:
            return [self._rows[each] for each in {each: None for ids in found for each in ids}]
        return [self._rows[each] for ids in found for each in ids]

    def seen(self, row: R) -> R:
        """A row that was read after a flush: memory holds the same or learns it."""
        row_id = self.id_of(row)
        if row_id in self._rows:
            return self._rows[row_id]
        self._remember(row_id, row)
        return row

    def put(self, row: R) -> None:
        """Insert or replace at the next flush."""
        row_id = self.id_of(row)
        self._forget(row_id)
        self._remember(row_id, row)
        self._dropped.pop(row_id, None)
        self._dirty[row_id] = None

    def written(self, row_id: str) -> None:
        """The row is in the database already."""
        self._dirty.pop(row_id, None)

    def drop(self, row_id: str) -> None:
        """Remove at the next flush."""
        self._forget(row_id)
        self._covered["id"].add(row_id)
        self._dirty.pop(row_id, None)
        self._dropped[row_id] = None

    def flush(self) -> None:
        """Write what is collected."""
        if self._dropped:
            self._remove(list(self._dropped))
            self._dropped.clear()
        if self._dirty:
            self._store([self._rows[each] for each in self._dirty])
            self._dirty.clear()

    def forget(self) -> None:
        """Let go of all rows; what is not written yet is lost."""
        self._rows.clear()
        self._dirty.clear()
        self._dropped.clear()
        for name in self._indexes:
            self._by[name].clear()
            self._covered[name].clear()

    def _remember(self, row_id: str, row: R) -> None:
        self._rows[row_id] = row
        self._covered["id"].add(row_id)
        for name, keys_of in self._indexes.items():
            for key in keys_of(row):
                self._by[name].setdefault(key, {})[row_id] = None

    def _forget(self, row_id: str) -> None:
        row = self._rows.pop(row_id, None)
        if row is None:
            return
        for name, keys_of in self._indexes.items():
            for key in keys_of(row):
                self._by[name][key].pop(row_id, None)
