"""How the memory service lists: full listings, deltas, and views of a window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

from calbridge.connectors.contract import OPEN_WINDOW, Gone, Page, Seen, Unreadable, Window
from calbridge.domain.content import Content
from calbridge.domain.recurrence import occurrences
from calbridge.errors import CursorExpired
from calbridge.testing.memory.reading import shown
from calbridge.testing.memory.service import MemoryService
from calbridge.testing.memory.state import CalendarState, Change

Entry = Seen | Gone | Unreadable
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Token:
    """A cursor or checkpoint: ``seq`` in the log, and the address after which an interrupted listing goes on."""

    epoch: int
    seq: int
    after: str | None = None

    def __str__(self) -> str:
        return f"{self.epoch}:{self.seq}" + ("" if self.after is None else f":{self.after}")

    @classmethod
    def parse(cls, text: str, epoch: int) -> Token:
        """:raises CursorExpired: of another epoch, or nothing we ever gave."""
        parts = text.split(":", 2)
        if len(parts) < 2 or not all(part.isdigit() for part in parts[:2]) or int(parts[0]) != epoch:
            raise CursorExpired()
        return cls(int(parts[0]), int(parts[1]), parts[2] if len(parts) == 3 else None)


class Listing:
    """One walk through a calendar."""

    def __init__(self, service: MemoryService, calendar: CalendarState, window: Window) -> None:
        self._service = service
        self._calendar = calendar
        self._switches = service.switches
        self._window = self._view(window)

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """All pages from a cursor or checkpoint, or from the start."""
        token = Token.parse(cursor, self._service.state.epoch) if cursor is not None else None
        if self._switches.repeats_and_reorders:
            yield Page(())
        if token is not None and token.after is None:
            yield from self._view_delta(token) if self._switches.horizon_days else self._delta(token)
        else:
            yield from self._full(token)

    def _full(self, token: Token | None) -> Iterator[Page]:
        if token is None:
            token = Token(self._service.state.epoch, self._service.number(), "")
            self._calendar.views[token.seq] = self._in_view()
        while True:
            rest = sorted(remote_id for remote_id in self._in_view() if remote_id > (token.after or ""))
            if self._calendar.empty_listings:
                self._calendar.empty_listings -= 1
                rest = []
            chunk = rest[: self._switches.page_size]
            entries = self._entries(chunk)
            if len(rest) <= len(chunk):
                cursor = str(Token(token.epoch, token.seq))
                yield Page(entries, cursor=cursor, last=True, full=True, covers=self._window)
                return
            token = Token(token.epoch, token.seq, chunk[-1])
            yield Page(entries, checkpoint=self._checkpoint(token))

    def _delta(self, token: Token) -> Iterator[Page]:
        end = self._service.number()
        found = [change for change in self._calendar.log if token.seq < change.seq < end]
        late = [change for change in found if change.delayed]
        told = self._without_a_lie([change for change in found if not change.delayed])
        for change in late:
            change.delayed, change.seq = False, self._service.number()
        chunks = _chunks(told, self._switches.page_size)
        for chunk in chunks[:-1]:
            place = Token(token.epoch, chunk[-1].seq)
            yield Page(self._entries([change.remote_id for change in chunk]), checkpoint=self._checkpoint(place))
        cursor = str(Token(token.epoch, end))
        yield Page(self._entries([change.remote_id for change in chunks[-1]]), cursor=cursor, last=True)

    def _view_delta(self, token: Token) -> Iterator[Page]:
        """What entered, left or changed in the view; leaving it and deletion look the same."""
        before = self._calendar.views.get(token.seq)
        if before is None:
            raise CursorExpired()
        end = self._service.number()
        now = self._in_view()
        self._calendar.views[end] = now
        touched = {change.remote_id for change in self._calendar.log if token.seq < change.seq < end}
        told = sorted((set(before) ^ set(now)) | (touched & set(now)))
        chunks = _chunks(told, self._switches.page_size)
        for chunk in chunks[:-1]:
            yield Page(self._entries(chunk))
        yield Page(self._entries(chunks[-1]), cursor=str(Token(token.epoch, end)), last=True)

    def _entries(self, remote_ids: Sequence[str]) -> list[Entry]:
        """What lies there now: each address once, unless this service repeats itself and keeps no order."""
        found: list[Entry] = []
        repeats = self._switches.repeats_and_reorders
        for remote_id in remote_ids if repeats else dict.fromkeys(remote_ids):
            found.extend(self._shown(remote_id) * (self._service.random.choice((1, 1, 2)) if repeats else 1))
        if repeats or self._switches.splits_series_into_fragments:
            self._service.random.shuffle(found)
        return found

    def _shown(self, remote_id: str) -> list[Entry]:
        stored = self._calendar.events.get(remote_id)
        viewed = bool(self._switches.horizon_days)
        if stored is None or (viewed and not self._touches(stored.content)):
            return [Gone(remote_id, sure=not viewed)]
        entry = shown(self._service, stored, whole=self._switches.events_inline)
        if isinstance(entry, Seen) and self._switches.splits_series_into_fragments and stored.content.keys:
            return [Seen(remote_id)] * (1 + len(stored.content.keys))
        return [entry]

    def _without_a_lie(self, changes: list[Change]) -> list[Change]:
        if not changes or not self._calendar.lies:
            return changes
        self._calendar.lies -= 1
        hidden = self._service.random.choice(changes).remote_id
        return [change for change in changes if change.remote_id != hidden]

    def _checkpoint(self, token: Token) -> str | None:
        return str(token) if self._switches.checkpoints else None

    def _view(self, window: Window) -> Window:
        """The window asked for, cut at the horizon."""
        if not self._switches.horizon_days:
            return OPEN_WINDOW
        limit = self._service.now.date() + timedelta(days=self._switches.horizon_days)
        return Window(window.start, min(window.end or limit, limit))

    def _in_view(self) -> list[str]:
        return [remote_id for remote_id, stored in self._calendar.events.items() if self._touches(stored.content)]

    def _touches(self, content: Content) -> bool:
        start, end = self._window.start, self._window.end
        if start is None and end is None:
            return True
        low, high = _instant(start or date(1990, 1, 1)), _instant(end or date(2200, 1, 1))
        return next(occurrences(content, low, high), None) is not None


def _chunks(found: list[T], size: int) -> list[list[T]]:
    """Pages of ``size``, at least one."""
    return [found[start : start + size] for start in range(0, len(found), size)] or [[]]


def _instant(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
