"""My Calendar's entries."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from calbridge.domain.content import EMPTY, HIDDEN_FIELDS, MASTER, Content, Field, Span, Unit, Value, same_value
from calbridge.domain.times import When


class ItemType(enum.StrEnum):
    """What an entry of My Calendar is in the PSA."""

    APPOINTMENT = "appointment"
    CRM_ACTIVITY = "crm_activity"
    SERVICE_CALL = "service_call"
    TASK = "task"
    TODO = "todo"


DUE_TYPES = frozenset({ItemType.TASK, ItemType.TODO})


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a user's My Calendar; a series is one item.

    ``content`` holds what a calendar can show. Tasks and to-dos have ``due`` instead of a time of their own (A3).
    ``hidden``: the text is unknown here because it was retrieved as "Busy" (A9). ``origin`` is the integration that
    retrieved it. ``version`` counts changes of meaning; ``seq`` is its place in the tenant's order of changes.
    """

    id: str
    user_id: str
    type: ItemType = ItemType.APPOINTMENT
    content: Content = EMPTY
    external_id: str | None = None
    record_id: str | None = None
    due: When | None = None
    completed_at: datetime | None = None
    associations: tuple[Mapping[str, str], ...] = ()
    hidden: bool = False
    origin: str | None = None
    ical_uid: str | None = None
    locked: frozenset[str] = field(default_factory=frozenset)
    deleted_at: datetime | None = None
    version: int = 1
    seq: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def deleted(self) -> bool:
        """Whether this is a tombstone."""
        return self.deleted_at is not None

    def calendar_content(self, default_minutes: int) -> Content:
        """What a calendar shows of it: a due date is all-day and free, a due time a block that ends there (A3)."""
        if self.type not in DUE_TYPES or self.content.span is not None or self.due is None:
            return self.content
        if self.due.is_date:
            span = Span(self.due, self.due.shifted(timedelta(days=1)))
            return self.content.with_units({(MASTER, Field.TIME): span, (MASTER, Field.SHOW_AS): "free"})
        span = Span(self.due.after(timedelta(minutes=-default_minutes)), self.due)
        return self.content.with_units({(MASTER, Field.TIME): span})

    def taking(self, units: Mapping[Unit, Value], base: Content) -> Item:
        """The item after these units of the calendar were taken over; ``base`` is its content in the same slots."""
        if self.type in DUE_TYPES and self.content.span is None and (MASTER, Field.TIME) in units:
            span = units[(MASTER, Field.TIME)]
            kept = {unit: value for unit, value in units.items() if unit[1] is not Field.TIME}
            if isinstance(span, Span) and not span.recurring:
                due = span.start if span.start.is_date else span.end
                return replace(self, content=base.with_units(kept), due=due)
        return replace(self, content=base.with_units(units))

    def hiding(self, copied: Content | None = None) -> Item:
        """The item without the text that a level now hides; with ``copied`` only what equals that copy goes (A9)."""
        units = {
            unit: value
            for unit, value in self.content.units.items()
            if unit[1] not in HIDDEN_FIELDS
            or (copied is not None and not same_value(value, copied.of(unit[1], unit[0])))
        }
        return replace(self, content=Content(units), hidden=True)
