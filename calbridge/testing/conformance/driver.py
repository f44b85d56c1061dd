"""Patience for the tests: calls are repeated as the engine repeats them, by looking before writing again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from calbridge.connectors.contract import (
    Answer,
    Connector,
    Create,
    Delete,
    Done,
    Failed,
    Fetched,
    Gone,
    Page,
    Partial,
    Responding,
    Result,
    Seen,
    Unknown,
    Unreadable,
    Update,
    Window,
    Write,
)
from calbridge.domain.content import MASTER, Content, Field, Span, Unit, Value, differing
from calbridge.domain.event import Event
from calbridge.domain.series import rekey
from calbridge.errors import Rejected, Throttled, Unavailable, VersionConflict
from calbridge.testing.conformance.harness import Harness

T = TypeVar("T")
PATIENCE = 60
PASSING = (Throttled, Unavailable, VersionConflict)


@dataclass(frozen=True, slots=True)
class Walk:
    """All pages of one walk through the changes."""

    pages: Sequence[Page]

    @property
    def entries(self) -> list[Seen | Gone | Unreadable]:
        """All entries in the order told."""
        return [entry for page in self.pages for entry in page.entries]

    @property
    def last(self) -> Page:
        """The page with the cursor."""
        return self.pages[-1]

    @property
    def cursor(self) -> str:
        """The new cursor."""
        assert self.last.cursor, "the last page has no cursor"
        return self.last.cursor

    def seen(self) -> set[str]:
        """Addresses at which something was told to live."""
        return {entry.remote_id for entry in self.entries if isinstance(entry, Seen)}

    def gone(self) -> set[str]:
        """Addresses at which nothing was told to live."""
        return {entry.remote_id for entry in self.entries if isinstance(entry, Gone)}


@dataclass
class Driver:
    """The kit's hands. Every call uses a fresh connector, so nothing can hide in one (C6)."""

    harness: Harness
    results: list[Result] = field(default_factory=list)
    """The answer to every write so far."""

    @property
    def window(self) -> Window:
        """What live runs pass: a start, no end."""
        return Window(self.harness.today, None)

    def read(self, call: Callable[[], T]) -> T:
        """Repeat a reading call while the service is throttling or away."""
        for _ in range(PATIENCE):
            try:
                return call()
            except (Throttled, Unavailable):
                continue
        raise AssertionError("the service never answered")

    def walk(self, cursor: str | None = None, window: Window | None = None) -> Walk:
        """All pages since a cursor or checkpoint."""
        chosen = window or self.window
        return self.read(lambda: Walk(list(self._connector().changes(self.harness.calendar, cursor, chosen))))

    def fetch(self, remote_ids: Sequence[str]) -> dict[str, Fetched]:
        """An answer for each address; ``Unknown`` is asked again."""
        answers: dict[str, Fetched] = {}
        for _ in range(PATIENCE):
            open_ids = [remote_id for remote_id in remote_ids if isinstance(answers.get(remote_id), Unknown | None)]
            if not open_ids:
                return answers
            batch = open_ids[: self._connector().capabilities.fetch_batch]
            found = self.read(lambda ids=batch: self._connector().fetch(self.harness.calendar, ids))  # type: ignore[misc]
            assert sorted(each.remote_id for each in found) == sorted(batch), "not one answer per id"
            answers.update({each.remote_id: each for each in found})
        raise AssertionError("the service never answered")

    def find(self, keys: Sequence[str] = (), uids: Sequence[str] = ()) -> Sequence[Seen]:
        """Events with one of our keys or UIDs."""
        return self.read(lambda: self._connector().find(self.harness.calendar, keys, uids))

    def show(self, remote_id: str, uid: str | None = None) -> Seen:
        """What lives at an address, or wherever the event with this UID went."""
        answer = self.fetch([remote_id])[remote_id]
        if isinstance(answer, Gone) and uid is not None:
            answer = self.fetch([each.remote_id for each in self.find(uids=[uid])[:1]]).popitem()[1]
        assert isinstance(answer, Seen), f"nothing readable there: {type(answer).__name__}"
        return answer

    def event(self, remote_id: str, uid: str | None = None) -> Event:
        """The whole event that lives at an address."""
        seen = self.show(remote_id, uid)
        assert seen.event is not None, "fetch shows no event"
        return seen.event

    def write(self, *writes: Write) -> Sequence[Result]:
        """One call of write; repeated only when the whole call was refused before anything happened."""
        results = self.read(lambda: self._connector().write(self.harness.calendar, writes))
        assert len(results) == len(writes), "not one result per write"
        self.results.extend(results)
        return results

    def write_until(self, make: Callable[[], Write]) -> Result:
        """The first result of a write that is neither lost nor passing trouble."""
        for _ in range(PATIENCE):
            [result] = self.write(make())
            if result is not None and not (isinstance(result, Failed) and isinstance(result.error, PASSING[:2])):
                return result
        raise AssertionError("the write never had a result")

    def answer_until(self, make: Callable[[], Answer]) -> Result:
        """The first result of an answer that is neither lost nor passing trouble."""
        for _ in range(PATIENCE):
            connector = self._connector()
            assert isinstance(connector, Responding), "the connector has no respond"
            try:
                result = connector.respond(self.harness.calendar, make())
            except PASSING[:2]:
                continue
            if result is not None and not (isinstance(result, Failed) and isinstance(result.error, PASSING[:2])):
                return result
        raise AssertionError("the answer never had a result")

    def creation(self, key: str, target: Content) -> Create:
        """The create for a key, at its place where the connector knows one."""
        place = self._connector().place(self.harness.calendar, key)
        return Create(key, target, place.uid if place else f"{key}@kit.example.com", place.remote_id if place else None)

    def create(self, key: str, target: Content) -> Seen:
        """Make an event and complete it; what the service holds then."""
        result = self.write_until(lambda: self.creation(key, target))
        assert isinstance(result, Done | Partial), f"the create was refused: {result}"
        uid = result.event.uid if result.event else None
        written = isinstance(result, Done) and result.exact
        return self.bring(result.remote_id, target, uid, written=written)

    def refuses_time(self, key: str, target: Content) -> bool:
        """Whether the service can't hold a time like this, says so, and made no event."""
        before = set(self.harness.phone.events())
        result = self.write_until(lambda: self.creation(key, target))
        if not isinstance(result, Failed):
            return False
        assert isinstance(result.error, Rejected), f"the create was refused: {result}"
        assert (result.error.code, result.error.field) == ("not_expressible", Field.TIME)
        assert set(self.harness.phone.events()) == before
        return True

    def update(self, remote_id: str, units: Mapping[Unit, Value], *, redact: bool = False) -> Seen:
        """Change units, occurrences following a move, and complete it; what the service holds then."""
        before = self.event(remote_id)
        target = units.get((MASTER, Field.TIME))
        base = rekey(before.content, target).content if isinstance(target, Span) else before.content
        return self.bring(remote_id, base.with_units(units), before.uid, redact=redact)

    def bring(
        self, remote_id: str, wanted: Content, uid: str | None, *, redact: bool = False, written: bool = False
    ) -> Seen:
        """Update until the event is what was wanted, as this service can hold it. ``Done`` must mean that it is."""
        normal = self._connector().normalise(wanted)
        for attempt in range(PATIENCE):
            seen = self.show(remote_id, uid)
            assert seen.event is not None
            missing = differing(seen.event.content, normal)
            assert not (missing and written), f"done, they said, but not as written: {sorted(missing)}"
            if not missing and (written or attempt or not redact):
                return seen
            [result] = self.write(update_towards(seen, wanted, missing, redact=redact))
            written = isinstance(result, Done)
        raise AssertionError("never became what was written")

    def delete(self, remote_id: str) -> None:
        """Delete, until nothing is there."""
        for _ in range(PATIENCE):
            answer = self.fetch([remote_id])[remote_id]
            if isinstance(answer, Gone):
                return
            assert isinstance(answer, Seen)
            self.write(Delete(remote_id, answer.version, answer.native))
        raise AssertionError("the event is still there")

    def _connector(self) -> Connector:
        return self.harness.connector()


def update_towards(seen: Seen, wanted: Content, missing: frozenset[Unit], *, redact: bool = False) -> Update:
    """The update that leads from what is shown to what is wanted."""
    assert seen.event is not None
    units = missing
    keys: Mapping[str, str | None] = {}
    if (MASTER, Field.TIME) in missing and wanted.span is not None:
        moved = rekey(seen.event.content, wanted.span)
        keys, units = moved.keys, differing(moved.content, wanted) & (missing | _keyed(moved.content, wanted))
    values = {unit: wanted.get(unit) for unit in units}
    return Update(seen.remote_id, seen.version, seen.native, values, keys, redact)


def _keyed(*contents: Content) -> frozenset[Unit]:
    return frozenset(unit for each in contents for unit in each.units if unit[0] != MASTER)
