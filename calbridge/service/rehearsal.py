"""A connector that reads for real and only pretends to write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from calbridge.connectors.capabilities import Capabilities
from calbridge.connectors.contract import (
    Calendar,
    Connector,
    Create,
    Delete,
    Done,
    Fetched,
    Gone,
    Owner,
    Page,
    Place,
    Result,
    Seen,
    Update,
    Window,
    Write,
)
from calbridge.domain.content import MASTER, Content, Field, Span
from calbridge.domain.event import Event
from calbridge.domain.series import rekey


class Rehearsal:
    """The contract over another connector; what was "written" is remembered for later reading."""

    def __init__(self, real: Connector) -> None:
        self._real = real
        self._made: dict[str, Seen | Gone] = {}

    @property
    def capabilities(self) -> Capabilities:
        """Those of the real one."""
        return self._real.capabilities

    def check(self) -> Owner:
        """For real."""
        return self._real.check()

    def calendars(self) -> Sequence[Calendar]:
        """For real."""
        return self._real.calendars()

    def changes(self, calendar: str, cursor: str | None, window: Window) -> Iterator[Page]:
        """For real."""
        return self._real.changes(calendar, cursor, window)

    def fetch(self, calendar: str, remote_ids: Sequence[str]) -> Sequence[Fetched]:
        """What was pretended, the rest for real."""
        made = [self._made[each] for each in remote_ids if each in self._made]
        rest = [each for each in remote_ids if each not in self._made]
        return [*made, *(self._real.fetch(calendar, rest) if rest else ())]

    def find(self, calendar: str, keys: Sequence[str], uids: Sequence[str]) -> Sequence[Seen]:
        """For real."""
        return self._real.find(calendar, keys, uids)

    def place(self, calendar: str, key: str) -> Place | None:
        """For real; sends nothing."""
        return self._real.place(calendar, key)

    def write(self, calendar: str, writes: Sequence[Write]) -> Sequence[Result]:
        """Pretend that every write did exactly what it says."""
        wanted = [each.remote_id for each in writes if isinstance(each, Update)]
        before = {row.remote_id: row for row in self.fetch(calendar, wanted)} if wanted else {}
        return [self._pretend(each, before.get(getattr(each, "remote_id", None) or "")) for each in writes]

    def normalise(self, content: Content) -> Content:
        """For real; pure."""
        return self._real.normalise(content)

    def close(self) -> None:
        """The real one belongs to whoever opened it."""

    def _pretend(self, write: Write, before: Fetched | None) -> Done:
        match write:
            case Create():
                remote_id = write.remote_id or f"preview-{len(self._made)}"
                event = Event(write.uid, self.normalise(write.target), marker=write.key)
            case Delete():
                self._made[write.remote_id] = Gone(write.remote_id, sure=True)
                return Done(write.remote_id)
            case Update():
                remote_id = write.remote_id
                old = before.event if isinstance(before, Seen) and before.event is not None else Event("")
                span = write.units.get((MASTER, Field.TIME))
                content = rekey(old.content, span).content if isinstance(span, Span) else old.content
                event = Event(old.uid, content.with_units(write.units), marker=old.marker, editable=old.editable)
        version = f"preview-{len(self._made)}"
        self._made[remote_id] = Seen(remote_id, version, event.uid, event)
        return Done(remote_id, version, event)
