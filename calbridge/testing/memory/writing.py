"""How the memory service applies writes, and how it fails at that."""

from __future__ import annotations

from dataclasses import dataclass

from calbridge.connectors.contract import Answer, Create, Delete, Done, Failed, Partial, Result, Update, Write
from calbridge.domain.content import MASTER, Content, Field, Unit
from calbridge.domain.series import updated
from calbridge.errors import ConnectorError, NotFound, PermissionMissing, Rejected, Unavailable, VersionConflict
from calbridge.testing.memory.reading import native, native_uid, version_of
from calbridge.testing.memory.rewriting import master_only, moves
from calbridge.testing.memory.service import OWNER_ADDRESS, MemoryService
from calbridge.testing.memory.state import CalendarState, Mail, Stored

OWN_FIELDS = frozenset({Field.VISIBILITY, Field.SHOW_AS, Field.CATEGORIES, Field.REMINDERS, Field.MY_RESPONSE})
"""What every participant may set on the own copy, without a mail to anybody."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a write step left: the event (None: gone) and what of it was not done."""

    stored: Stored | None
    missing: frozenset[Unit] = frozenset()
    lost: bool = False
    conditional: bool = True
    exact: bool = True


class Writing:
    """Applies one write at a time to one calendar."""

    def __init__(self, service: MemoryService, calendar: CalendarState) -> None:
        self._service = service
        self._calendar = calendar
        self._switches = service.switches

    def apply(self, write: Write | Answer) -> Result:
        """One write with the faults that the switches ask for."""
        name = type(write).__name__.lower()
        try:
            self._service.io(f"{name}.before")
            result = self._faulty(write)
            self._service.io(f"{name}.after")
        except ConnectorError as error:
            return Failed(error)
        return result

    def _faulty(self, write: Write | Answer) -> Result:
        chance = self._service.random.random
        if chance() < self._switches.loses_request:
            return None
        lost = chance() < self._switches.loses_reply
        down = chance() < self._switches.unavailable
        if down and chance() < 0.5:
            raise Unavailable()
        result = self._result(write, self._applied(write))
        if down:
            raise Unavailable()
        return None if lost else result

    def _applied(self, write: Write | Answer) -> Applied:
        if self._service.state.read_only:
            raise PermissionMissing()
        match write:
            case Create():
                return self._create(write)
            case Update():
                return self._update(write)
            case Delete():
                return self._delete(write)
            case Answer():
                return self._answer(write)

    def _result(self, write: Write | Answer, applied: Applied) -> Result:
        stored = applied.stored
        if applied.lost:
            return None
        if stored is None:
            remote_id = write.remote_id or ""
            return Done(remote_id, conditional=applied.conditional)
        version, event = version_of(self._service, stored), self._service.event(stored)
        if applied.missing:
            return Partial(stored.remote_id, version, event, native(stored), applied.missing)
        return Done(stored.remote_id, version, event, native(stored), applied.conditional, applied.exact)

    def _create(self, write: Create) -> Applied:
        self._check(write.target)
        known = self._marked(write.key)
        if known is not None:
            return Applied(known, exact=False)
        stored = self._new(write)
        left, missing, lost = self._half(write.target, write.target)
        self._mail("create", stored.remote_id, write.target)
        self._service.put(self._calendar, stored, left, raw=self._switches.rewrites_after_write)
        return Applied(stored, missing, lost)

    def _marked(self, key: str) -> Stored | None:
        """The oldest living event with this marker: a service that knows the key makes no second one."""
        found = [stored for stored in self._calendar.events.values() if stored.marker == key]
        return min(found, key=lambda stored: stored.created, default=None)

    def _new(self, write: Create) -> Stored:
        number = self._service.number()
        if self._switches.server_made_ids or write.remote_id is None:
            return Stored(f"s-{number}", f"server-{number}@example.com", marker=write.key, created=number)
        if write.remote_id in self._calendar.events:
            raise VersionConflict()
        if any(stored.uid == write.uid for stored in self._calendar.events.values()):
            raise Rejected(code="uid_conflict")
        return Stored(write.remote_id, write.uid, marker=write.key, created=number)

    def _update(self, write: Update) -> Applied:
        stored, conditional = self._met(write)
        before = stored.content
        target = updated(before, write.units, write.rekeyed)
        self._check(Content(write.units))
        if not self._service.event(stored).editable.details and not {name for _, name in write.units} <= OWN_FIELDS:
            raise Rejected(code="organised_elsewhere")
        moving = moves(before, write.units)
        left, missing, lost = self._half(target, Content(write.units))
        if moving and target.keys and self._switches.drops_exceptions_on_time_change:
            left, missing = master_only(target), _keyed(target)
        if not {name for _, name in write.units} <= OWN_FIELDS:
            self._mail("update", stored.remote_id, before, target)
        if write.redact:
            stored.extra.clear()
        return self._put_update(stored, left, Applied(stored, missing, lost, conditional), moving=moving)

    def _put_update(self, stored: Stored, left: Content, applied: Applied, *, moving: bool) -> Applied:
        if left.status == "cancelled" and self._switches.cancelled_becomes_deletion:
            self._service.put(self._calendar, stored, left)
            self._service.remove(self._calendar, stored.remote_id)
            return applied
        self._service.put(self._calendar, stored, left, raw=self._switches.rewrites_after_write)
        if moving and self._switches.changes_ids:
            self._service.readdress(self._calendar, stored)
        return applied

    def _delete(self, write: Delete) -> Applied:
        stored, conditional = self._met(write)
        self._mail("delete", stored.remote_id, stored.content)
        self._service.remove(self._calendar, stored.remote_id)
        return Applied(None, conditional=conditional)

    def _answer(self, write: Answer) -> Applied:
        stored, conditional = self._met(write)
        if OWNER_ADDRESS not in {person.email for person in stored.content.people.attendees}:
            raise Rejected(code="not_invited", field=Field.MY_RESPONSE)
        answered = stored.content.with_units({(MASTER, Field.MY_RESPONSE): write.answer})
        self._service.put(self._calendar, stored, answered)
        return Applied(stored, conditional=conditional)

    def _met(self, write: Update | Delete | Answer) -> tuple[Stored, bool]:
        """The event a write means, and whether it was held against the version given."""
        stored = self._calendar.events.get(write.remote_id)
        if stored is None:
            raise NotFound()
        if write.native is not None and native_uid(write.native) != stored.uid:
            raise AssertionError("the native bytes handed back belong to another event")
        conditional = write.version is not None and not self._switches.ignores_preconditions
        if conditional and write.version != version_of(self._service, stored):
            raise VersionConflict()
        return stored, conditional and not self._switches.no_versions

    def _half(self, target: Content, written: Content) -> tuple[Content, frozenset[Unit], bool]:
        """What is left of a series of which only the master got through: content, missing units, reply lost."""
        if not written.keys or self._service.random.random() >= self._switches.half_written_series:
            return target, frozenset(), False
        missing = _keyed(written)
        left = Content({unit: value for unit, value in target.units.items() if unit not in missing})
        return left, missing, self._service.random.random() < 0.5

    def _check(self, target: Content) -> None:
        refused = self._switches.rejects_titles_with
        titles = [value for (_, name), value in target.units.items() if name is Field.TITLE and isinstance(value, str)]
        if refused is not None and any(refused in title for title in titles):
            raise Rejected(field=Field.TITLE)

    def _mail(self, act: str, remote_id: str, *contents: Content) -> None:
        guests = {person.email for each in contents for person in each.people.attendees}
        if guests and not self._switches.silent:
            self._service.mails.append(Mail(act, remote_id, tuple(sorted(guests))))


def _keyed(given: Content) -> frozenset[Unit]:
    return frozenset(unit for unit in given.units if unit[0] != MASTER)
