"""For every test of the kit there is a connector that breaks its clause, and the test notices."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import ClassVar

import pytest

from calbridge.connectors.capabilities import Ability, Capabilities, Support
from calbridge.connectors.contract import (
    Answer,
    Calendar,
    Connector,
    Create,
    Delete,
    Done,
    Failed,
    Fetched,
    Gone,
    Heard,
    Notice,
    Owner,
    Page,
    Partial,
    Place,
    Result,
    Seen,
    Subscription,
    Update,
    Watch,
    Window,
    Write,
)
from calbridge.connectors.transport import Request, Transport
from calbridge.domain.content import MASTER, Content, Field, Span, Unit, Value, content
from calbridge.domain.times import utc
from calbridge.errors import CalendarGone, NotFound
from calbridge.testing.conformance import ConformanceSuite, Driver, RespondTests, SilentTests, WatchTests
from calbridge.testing.conformance.memory import MemoryHarness
from calbridge.testing.memory import MemoryConnector, MemoryService, Switches

NUMBERS = count()
TIME, TITLE = (MASTER, Field.TIME), (MASTER, Field.TITLE)


@dataclass
class Breaking:
    """A memory harness whose connector is a broken one."""

    kind: type[MemoryConnector]
    switches: Switches

    def __post_init__(self) -> None:
        self._inner = MemoryHarness(self.switches)
        self.owner = self._inner.owner
        self.calendar, self.phone, self.today = self._inner.calendar, self._inner.phone, self._inner.today
        self.service = self._inner.service
        self.now, self.pushed = self._inner.now, self._inner.pushed
        self.reader = getattr(self.kind, "reads", self._inner.reader)

    def connector(self) -> Connector:
        return self.kind(self.service)

    def refused(self) -> Connector:
        refusing = MemoryService()
        refusing.refuse_sign_in(confirmed=True)
        return self.kind(refusing)

    def connector_at(self, url: str, transport: Transport) -> Connector | None:
        return None

    def mails(self) -> int:
        return self._inner.mails()


Broken = type[MemoryConnector]
BROKEN: dict[str, tuple[Broken, Switches]] = {}


def breaks(test: str, **switches: object) -> Callable[[Broken], Broken]:
    """Register a connector as the one that the test has to notice."""

    def keep(kind: Broken) -> Broken:
        assert test not in BROKEN
        BROKEN[test] = (kind, Switches(**switches))  # type: ignore[arg-type]
        return kind

    return keep


class PagesChanged(MemoryConnector):
    """Something is wrong with each page."""

    def changes(self, calendar: str, cursor: str | None, window: Window) -> Iterator[Page]:
        for page in super().changes(calendar, cursor, window):
            yield self.changed(page, cursor)

    def changed(self, page: Page, cursor: str | None) -> Page:
        raise NotImplementedError


class WritesChanged(MemoryConnector):
    """Something is wrong with each write or its result."""

    def write(self, calendar: str, writes: Sequence[Write]) -> Sequence[Result]:
        return [self.answered(result) for result in super().write(calendar, [self.sent(write) for write in writes])]

    def sent(self, write: Write) -> Write:
        return write

    def answered(self, result: Result) -> Result:
        return result

    def stored_change(self, remote_id: str, units: Mapping[Unit, Value]) -> None:
        self._service.phone.edit(remote_id, units)


class Shown(MemoryConnector):
    """Something is wrong with each event read by address."""

    def fetch(self, calendar: str, remote_ids: Sequence[str]) -> Sequence[Fetched]:
        return [self.shown(answer) for answer in super().fetch(calendar, remote_ids)]

    def shown(self, answer: Fetched) -> Fetched:
        if not isinstance(answer, Seen) or answer.event is None:
            return answer
        return replace(answer, event=replace(answer.event, content=self.read(answer.event.content)))

    def read(self, given: Content) -> Content:
        return given


@breaks("test_the_owner_is_the_same_each_time")
class OwnerChanges(MemoryConnector):
    def check(self) -> Owner:
        return Owner(f"session-{next(NUMBERS)}", "owner@example.com")


@breaks("test_the_linked_calendar_is_listed_once_and_writable")
class CalendarTwice(MemoryConnector):
    def calendars(self) -> Sequence[Calendar]:
        return [*super().calendars(), *super().calendars()]


@breaks("test_without_a_cursor_everything_is_listed")
class LeavesOneOut(PagesChanged):
    def changed(self, page: Page, cursor: str | None) -> Page:
        return replace(page, entries=page.entries[1:])


@breaks("test_only_the_last_page_ends_the_walk", page_size=2)
class CursorOnEveryPage(PagesChanged):
    def changed(self, page: Page, cursor: str | None) -> Page:
        return replace(page, cursor=page.cursor or page.checkpoint)


@breaks("test_a_listing_says_what_it_covers")
class CoversNothing(PagesChanged):
    def changed(self, page: Page, cursor: str | None) -> Page:
        return replace(page, covers=None)


@breaks("test_a_delta_tells_what_a_person_did")
class ForgetsDeletions(PagesChanged):
    def changed(self, page: Page, cursor: str | None) -> Page:
        return replace(page, entries=[entry for entry in page.entries if not isinstance(entry, Gone)])


@breaks("test_a_cursor_can_be_used_again")
class CursorOnlyOnce(MemoryConnector):
    used: ClassVar[set[str]] = set()

    def changes(self, calendar: str, cursor: str | None, window: Window) -> Iterator[Page]:
        for page in super().changes(calendar, cursor, window):
            yield replace(page, entries=[]) if cursor in self.used else page
        self.used.add(cursor or "")


@breaks("test_a_listing_goes_on_from_its_checkpoint", page_size=2)
class CheckpointTooFar(PagesChanged):
    def changed(self, page: Page, cursor: str | None) -> Page:
        return replace(page, entries=page.entries[1:]) if cursor else page


@breaks("test_a_useless_cursor_is_told")
class SilentEndOfNews(MemoryConnector):
    def changes(self, calendar: str, cursor: str | None, window: Window) -> Iterator[Page]:
        yield Page([], cursor="new", last=True)


@breaks("test_an_event_in_a_listing_is_whole")
class MastersOnly(PagesChanged):
    def changed(self, page: Page, cursor: str | None) -> Page:
        return replace(page, entries=[self.master(entry) for entry in page.entries])

    def master(self, entry: object) -> Seen:
        assert isinstance(entry, Seen)
        assert entry.event is not None
        units = {unit: value for unit, value in entry.event.content.units.items() if unit[0] == MASTER}
        return replace(entry, event=replace(entry.event, content=content(units)))


@breaks("test_an_edit_changes_the_version")
class VersionOfTheMaster(Shown):
    def shown(self, answer: Fetched) -> Fetched:
        return (
            replace(answer, version=str(answer.event.content.title))
            if isinstance(answer, Seen) and answer.event
            else answer
        )


@breaks("test_a_series_has_one_address")
class OccurrencesAreEvents(PagesChanged):
    def changed(self, page: Page, cursor: str | None) -> Page:
        return replace(page, entries=[*page.entries, *(Seen(f"{entry.remote_id}_1") for entry in page.entries)])


@breaks("test_every_id_has_an_answer")
class LeavesAbsentOut(MemoryConnector):
    def fetch(self, calendar: str, remote_ids: Sequence[str]) -> Sequence[Fetched]:
        return [answer for answer in super().fetch(calendar, remote_ids) if not isinstance(answer, Gone)]


@breaks("test_a_whole_batch_can_be_fetched")
class SmallBatches(MemoryConnector):
    def fetch(self, calendar: str, remote_ids: Sequence[str]) -> Sequence[Fetched]:
        return super().fetch(calendar, remote_ids[:5])


@breaks("test_events_are_found_by_uid_and_by_key")
class FindsTooMuch(MemoryConnector):
    def find(self, calendar: str, keys: Sequence[str], uids: Sequence[str]) -> Sequence[Seen]:
        return [Seen(remote_id) for remote_id in self._service.phone.events()]


@breaks("test_a_created_event_is_there")
class LosesTheRoom(WritesChanged):
    def sent(self, write: Write) -> Write:
        return replace(write, target=write.target.without({Field.LOCATION})) if isinstance(write, Create) else write


@breaks("test_the_address_of_the_record_is_no_part_of_the_event")
class TellsTheAddressInTheText(WritesChanged):
    def sent(self, write: Write) -> Write:
        if not isinstance(write, Create) or write.source_url is None:
            return write
        return replace(write, target=write.target.with_units({(MASTER, Field.LOCATION): write.source_url}))


@breaks("test_a_create_carries_our_key")
class NoMarker(Shown):
    def shown(self, answer: Fetched) -> Fetched:
        return (
            replace(answer, event=replace(answer.event, marker=None))
            if isinstance(answer, Seen) and answer.event
            else answer
        )


@breaks("test_a_create_lands_where_it_was_to_be")
class RandomPlace(MemoryConnector):
    def place(self, calendar: str, key: str) -> Place | None:
        return Place(f"random-{next(NUMBERS)}", f"{next(NUMBERS)}@example.com")


@breaks("test_the_same_key_twice_makes_one_event")
class CreatesAgain(WritesChanged):
    def sent(self, write: Write) -> Write:
        if isinstance(write, Create):
            number = next(NUMBERS)
            return replace(write, key=f"{write.key}-{number}", uid=f"{number}", remote_id=f"{write.remote_id}-{number}")
        return write


@breaks("test_an_update_changes_its_units_and_nothing_else")
class WholeTarget(WritesChanged):
    def sent(self, write: Write) -> Write:
        return (
            replace(write, units={(MASTER, Field.CATEGORIES): None, **write.units})
            if isinstance(write, Update)
            else write
        )


@breaks("test_a_unit_can_be_emptied")
class NeverEmpties(WritesChanged):
    def sent(self, write: Write) -> Write:
        if isinstance(write, Update):
            return replace(write, units={unit: value for unit, value in write.units.items() if value is not None})
        return write


@breaks("test_a_deleted_event_is_gone")
class DeletesNothing(WritesChanged):
    def write(self, calendar: str, writes: Sequence[Write]) -> Sequence[Result]:
        return [Done(write.remote_id or "") for write in writes]


@breaks("test_the_answer_is_what_the_service_holds")
class AnswersTheTarget(WritesChanged):
    def answered(self, result: Result) -> Result:
        if isinstance(result, Done) and result.event:
            return replace(result, event=replace(result.event, content=content({TITLE: "What was meant"})))
        return result


@breaks("test_results_come_in_the_order_of_the_writes")
class SortsItsResults(WritesChanged):
    def write(self, calendar: str, writes: Sequence[Write]) -> Sequence[Result]:
        return sorted(super().write(calendar, writes), key=lambda result: isinstance(result, Failed))


@breaks("test_a_stale_version_is_refused")
class ForgetsTheVersion(WritesChanged):
    def sent(self, write: Write) -> Write:
        return replace(write, version=None) if isinstance(write, Update | Delete) else write


@breaks("test_writing_to_nothing_is_told")
class CreatesWhatIsGone(WritesChanged):
    def answered(self, result: Result) -> Result:
        if isinstance(result, Failed) and isinstance(result.error, NotFound):
            self._service.phone.create(content({TITLE: "Again"}))
            return Done("again")
        return result


@breaks("test_a_series_is_read_whole")
class KeysInUtc(Shown):
    def read(self, given: Content) -> Content:
        return Content({(key + "+00:00" if key else key, name): value for (key, name), value in given.units.items()})


@breaks("test_a_series_is_written_whole")
class MastersWritten(WritesChanged):
    def sent(self, write: Write) -> Write:
        if isinstance(write, Create):
            return replace(write, target=master_of(write.target))
        return replace(write, units=dict(master_of(Content(write.units)).units)) if isinstance(write, Update) else write


@breaks("test_occurrences_follow_a_moved_series")
class LosesOccurrences(WritesChanged):
    def sent(self, write: Write) -> Write:
        if isinstance(write, Update) and TIME in write.units:
            return replace(write, rekeyed=dict.fromkeys(write.rekeyed))
        return replace(write, units={}) if isinstance(write, Update) else write


@breaks("test_what_an_occurrence_inherits_follows_the_master")
class FlattensOverrides(WritesChanged):
    def sent(self, write: Write) -> Write:
        if not isinstance(write, Update):
            return write
        stored = self._service.phone.events()[write.remote_id].content
        own = {(key, Field.TITLE): "New for all" for key in stored.keys if not stored.excluded(key)}
        return replace(write, units={**write.units, **own})


@breaks("test_one_occurrence_can_be_changed_and_put_back")
class NeverPutsBack(WritesChanged):
    def sent(self, write: Write) -> Write:
        if isinstance(write, Update):
            kept = {unit: value for unit, value in write.units.items() if not unit[0] or value is not None}
            return replace(write, units=kept)
        return write


@breaks("test_a_partial_result_tells_what_is_missing", half_written_series=1.0)
class PartialIsDone(WritesChanged):
    def answered(self, result: Result) -> Result:
        if isinstance(result, Partial):
            return Done(result.remote_id, result.version, result.event, result.native)
        return result


@breaks("test_each_kind_of_time_comes_back_as_it_was")
class EverythingInUtc(Shown):
    def read(self, given: Content) -> Content:
        span = given.span
        if span is None:
            return given
        return given.with_units({TIME: Span(utc(span.start.instant()), utc(span.end.instant()), span.rule)})


@breaks("test_what_calbridge_does_not_know_survives")
class WritesItAnew(WritesChanged):
    def sent(self, write: Write) -> Write:
        return replace(write, redact=True) if isinstance(write, Update) else write


@breaks("test_redacting_takes_what_calbridge_does_not_know")
class NeverRedacts(WritesChanged):
    def sent(self, write: Write) -> Write:
        return replace(write, redact=False) if isinstance(write, Update) else write


@breaks("test_normalise_tells_what_the_service_makes_of_it", drops_categories=True, truncates_titles=20)
class KnowsNoLoss(MemoryConnector):
    def normalise(self, content: Content) -> Content:
        return content.with_units({TITLE: content.title + "!"})


@breaks("test_a_refused_secret_is_told")
class ToleratesRefusal(MemoryConnector):
    def check(self) -> Owner:
        with contextlib.suppress(Exception):
            return super().check()
        return Owner("unknown", "")


@breaks("test_a_calendar_that_is_not_there_is_no_empty_one")
class GoneIsEmpty(MemoryConnector):
    def changes(self, calendar: str, cursor: str | None, window: Window) -> Iterator[Page]:
        try:
            yield from super().changes(calendar, cursor, window)
        except CalendarGone:
            yield Page([], cursor="1:1", last=True, full=True)


@breaks("test_nonsense_is_answered_in_the_language_of_the_contract")
class BreaksOnNonsense(MemoryConnector):
    def fetch(self, calendar: str, remote_ids: Sequence[str]) -> Sequence[Fetched]:
        for remote_id in remote_ids:
            remote_id.encode("ascii")
        return super().fetch(calendar, remote_ids)


@breaks("test_a_fresh_connector_goes_on_where_another_stopped")
class RemembersInItself(MemoryConnector):
    def __init__(self, service: MemoryService) -> None:
        super().__init__(service)
        self.cursors: set[str | None] = {None}

    def changes(self, calendar: str, cursor: str | None, window: Window) -> Iterator[Page]:
        for page in super().changes(calendar, cursor, window):
            known = cursor in self.cursors
            self.cursors.add(page.cursor)
            yield page if known else replace(page, entries=[])


@breaks("test_every_connection_is_the_transports")
class OpensItsOwnSocket(MemoryConnector):
    def check(self) -> Owner:
        with socket.socket() as out, contextlib.suppress(OSError):
            out.connect(("127.0.0.1", 9))
        return super().check()


@breaks("test_a_name_that_turns_to_this_machine_is_refused")
class ReachesThisMachine(OpensItsOwnSocket):
    """It says that it needs no network, and opens a connection."""


@breaks("test_capabilities_make_sense")
class PartialWithoutANote(MemoryConnector):
    @property
    def capabilities(self) -> Capabilities:
        return Capabilities({Ability.RECURRENCE: Support.PARTIAL})


@breaks("test_nobody_is_mailed", silent=False)
class ClaimsSilence(MemoryConnector):
    @property
    def capabilities(self) -> Capabilities:
        return Capabilities({Ability.SILENT_UPDATE: Support.FULL})


@breaks("test_an_answer_changes_nothing_else")
class AnswersAndTidiesUp(MemoryConnector):
    def respond(self, calendar: str, answer: Answer) -> Result:
        self._service.phone.edit(answer.remote_id, {(MASTER, Field.CATEGORIES): ("answered",)})
        return super().respond(calendar, replace(answer, version=None))


@breaks("test_only_who_is_invited_can_answer")
class AnswersAnything(MemoryConnector):
    def respond(self, calendar: str, answer: Answer) -> Result:
        return Done(answer.remote_id)


@breaks("test_a_changed_meeting_is_not_answered")
class AnswersWhateverItBecame(MemoryConnector):
    def respond(self, calendar: str, answer: Answer) -> Result:
        return super().respond(calendar, replace(answer, version=None))


@breaks("test_a_change_is_told_to_who_subscribed")
class SubscribesToNothing(MemoryConnector):
    def watch(self, calendar: str, wanted: Subscription) -> Watch:
        made = super().watch(calendar, wanted)
        super().unwatch(calendar, made)
        return made


@breaks("test_it_goes_on_under_a_fresh_subscription")
class EndsTheFreshOne(MemoryConnector):
    def renew(self, calendar: str, watch: Watch, wanted: Subscription) -> Watch:
        made = self.watch(calendar, wanted)
        self.unwatch(calendar, made)
        return made


@breaks("test_what_ended_tells_nothing_and_ends_as_often_as_one_likes")
class NeverEnds(MemoryConnector):
    def unwatch(self, calendar: str, watch: Watch) -> None:
        """Nothing."""


@breaks("test_a_reader_bears_anything")
class ReadsAnything(MemoryConnector):
    @staticmethod
    def reads(notice: Notice) -> Heard:
        return Heard(notice.headers.get("x-memory-id", "w1"))


def master_of(given: Content) -> Content:
    return Content({unit: value for unit, value in given.units.items() if unit[0] == MASTER})


class AllTests(ConformanceSuite, SilentTests, RespondTests, WatchTests):
    """The kit with its optional parts."""


KIT = sorted(name for name in dir(AllTests) if name.startswith("test_"))


def run(test: str, harness: Breaking) -> None:
    getattr(AllTests(), test)(Driver(harness))


def test_every_test_of_the_kit_has_a_connector_that_breaks_it() -> None:
    assert sorted(BROKEN) == KIT


@pytest.mark.parametrize("test", KIT)
def test_the_broken_connector_is_noticed(test: str) -> None:
    kind, switches = BROKEN[test]
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run(test, Breaking(kind, switches))


@pytest.mark.parametrize("test", KIT)
def test_the_same_harness_with_a_right_connector_passes(test: str) -> None:
    switches = Switches() if test == "test_nobody_is_mailed" else BROKEN[test][1]
    run(test, Breaking(MemoryConnector, switches))


class NetworkConnector(MemoryConnector):
    """Asks its service over a transport before anything else."""

    def __init__(self, service: MemoryService, url: str, transport: Transport) -> None:
        super().__init__(service)
        self._url, self._transport = url, transport

    def check(self) -> Owner:
        self._transport.send(Request("GET", self._url))
        return super().check()


class AroundTheGuard(NetworkConnector):
    """Opens a connection to the address that the name leads to, by itself."""

    def check(self) -> Owner:
        with socket.socket() as out, contextlib.suppress(OSError):
            out.connect(("127.0.0.1", 9))
        return MemoryConnector.check(self)


@dataclass
class Networked(Breaking):
    """A harness whose connector needs the network."""

    reaching: type[NetworkConnector] = NetworkConnector

    def connector_at(self, url: str, transport: Transport) -> Connector | None:
        return self.reaching(self.service, url, transport)


GUARD = "test_a_name_that_turns_to_this_machine_is_refused"


def test_a_connector_over_the_transport_is_kept_from_this_machine() -> None:
    run(GUARD, Networked(MemoryConnector, Switches()))


def test_a_connector_around_the_transport_is_noticed() -> None:
    with pytest.raises(AssertionError):
        run(GUARD, Networked(MemoryConnector, Switches(), AroundTheGuard))
