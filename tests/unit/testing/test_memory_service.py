"""What happens at the memory service, and what its connector tells of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from random import Random

import pytest

from calbridge.connectors.contract import (
    OPEN_WINDOW,
    Create,
    Delete,
    Done,
    Failed,
    Gone,
    Page,
    Partial,
    Result,
    Seen,
    Unreadable,
    Update,
    Window,
)
from calbridge.domain.content import MASTER, Content, Field, People, Person
from calbridge.errors import (
    CalendarGone,
    CursorExpired,
    PermissionMissing,
    Rejected,
    SignInRequired,
    Unavailable,
    VersionConflict,
)
from calbridge.testing.conformance.samples import at, meeting, single, slot, span, weekly
from calbridge.testing.memory import MAIN, Crash, MemoryConnector, MemoryService, Switches

TODAY = date(2027, 1, 4)
TITLE, TIME = (MASTER, Field.TITLE), (MASTER, Field.TIME)


def opened(**switches: object) -> tuple[MemoryService, MemoryConnector]:
    service = MemoryService(Switches(**switches), Random(3))  # type: ignore[arg-type]
    return service, MemoryConnector(service)


def pages(connector: MemoryConnector, cursor: str | None = None, window: Window = OPEN_WINDOW) -> list[Page]:
    return list(connector.changes(MAIN, cursor, window))


def told(found: Iterable[Page]) -> list[object]:
    return [entry for page in found for entry in page.entries]


def addresses(found: Iterable[Page]) -> list[tuple[str, str]]:
    return [(type(entry).__name__, entry.remote_id) for page in found for entry in page.entries]


def cursor_of(connector: MemoryConnector, window: Window = OPEN_WINDOW) -> str | None:
    return pages(connector, None, window)[-1].cursor


def one(connector: MemoryConnector, write: Create | Update | Delete) -> Result:
    [result] = connector.write(MAIN, [write])
    return result


def creation(connector: MemoryConnector, key: str = "key-1", target: Content | None = None) -> Create:
    place = connector.place(MAIN, key)
    return Create(key, target or single(TODAY), place.uid if place else "", place.remote_id if place else None)


def test_a_crash_before_a_write_leaves_nothing_and_after_it_everything() -> None:
    service, connector = opened()
    service.io.crash_at(1)
    with pytest.raises(Crash):
        one(connector, creation(connector))
    assert not service.phone.events()
    service.io.fail("create.after", Crash())
    with pytest.raises(Crash):
        one(connector, creation(connector))
    assert len(service.phone.events()) == 1
    assert service.io.passed == ["create.before", "create.before", "create.after"]


def test_a_crash_is_not_caught_by_handlers_of_exceptions() -> None:
    assert not issubclass(Crash, Exception)


def test_an_error_at_a_point_of_a_write_is_that_writes_result() -> None:
    service, connector = opened()
    service.io.fail("create.after", Unavailable())
    first, second = connector.write(MAIN, [creation(connector, "a"), creation(connector, "b")])
    assert isinstance(first, Failed)
    assert isinstance(first.error, Unavailable)
    assert isinstance(second, Done)
    assert len(service.phone.events()) == 2


def test_a_person_may_act_at_a_point() -> None:
    service, connector = opened()
    made = one(connector, creation(connector))
    assert isinstance(made, Done)
    service.io.once(1, "fetch.before", lambda: service.phone.edit(made.remote_id, {TITLE: "Meanwhile"}))
    [seen] = connector.fetch(MAIN, [made.remote_id])
    assert isinstance(seen, Seen)
    assert seen.event is not None
    assert seen.event.content.title == "Meanwhile"


def test_the_state_goes_back_to_a_snapshot_whole() -> None:
    service, connector = opened()
    remote_id = service.phone.create(single(TODAY))
    before, cursor = service.snapshot(), cursor_of(connector)
    service.phone.delete(remote_id)
    service.load(before)
    assert set(service.phone.events()) == {remote_id}
    assert told(pages(connector, cursor)) == []


def test_expired_cursors_and_checkpoints_are_refused() -> None:
    service, connector = opened(page_size=1)
    for _ in range(2):
        service.phone.create(single(TODAY))
    found = pages(connector)
    service.expire_cursors()
    for cursor in (found[0].checkpoint, found[-1].cursor):
        with pytest.raises(CursorExpired):
            pages(connector, cursor)


def test_versions_restart_without_an_edit_when_cursors_expire() -> None:
    service, connector = opened(version_restarts=True)
    remote_id = service.phone.create(single(TODAY))
    [before] = connector.fetch(MAIN, [remote_id])
    service.expire_cursors()
    [after] = connector.fetch(MAIN, [remote_id])
    assert isinstance(before, Seen)
    assert isinstance(after, Seen)
    assert before.version != after.version
    assert before.event == after.event


def test_a_lie_leaves_one_change_out_and_moves_on() -> None:
    service, connector = opened()
    cursor = cursor_of(connector)
    ids = {service.phone.create(single(TODAY)) for _ in range(3)}
    service.lie_once()
    found = pages(connector, cursor)
    assert len(told(found)) == 2
    assert told(pages(connector, found[-1].cursor)) == []
    assert len(told(pages(connector, cursor))) == 3
    assert {remote_id for _, remote_id in addresses(pages(connector))} == ids


def test_an_empty_listing_is_shown_once() -> None:
    service, connector = opened()
    service.phone.create(single(TODAY))
    service.list_empty_once()
    empty = pages(connector)
    assert (told(empty), empty[-1].full) == ([], True)
    assert len(told(pages(connector))) == 1


def test_a_move_of_address_may_be_told_in_two_deltas() -> None:
    service, connector = opened()
    old = service.phone.create(single(TODAY))
    cursor = cursor_of(connector)
    service.delay_seen_of_moves = True
    new = service.phone.move_address(old)
    first = pages(connector, cursor)
    assert addresses(first) == [("Gone", old)]
    assert addresses(pages(connector, first[-1].cursor)) == [("Seen", new)]


def test_an_address_changes_with_the_time_where_the_service_is_like_that() -> None:
    service, connector = opened(changes_ids=True)
    old = service.phone.create(single(TODAY))
    cursor = cursor_of(connector)
    result = one(connector, Update(old, None, None, {TIME: span(at(TODAY, 8))}))
    assert isinstance(result, Done)
    assert result.remote_id != old
    assert {("Gone", old), ("Seen", result.remote_id)} == set(addresses(pages(connector, cursor)))


def test_a_dropped_calendar_is_gone_for_every_call() -> None:
    service, connector = opened()
    service.drop_calendar()
    with pytest.raises(CalendarGone):
        pages(connector)
    with pytest.raises(CalendarGone):
        connector.find(MAIN, [], [])
    with pytest.raises(CalendarGone):
        connector.write(MAIN, [])
    assert connector.calendars() == []


def test_a_restored_event_keeps_uid_and_marker() -> None:
    service, connector = opened()
    made = one(connector, creation(connector))
    assert isinstance(made, Done)
    assert made.event is not None
    service.phone.delete(made.remote_id)
    back = service.phone.restore(made.remote_id, new_id=True)
    event = service.phone.events()[back]
    assert back != made.remote_id
    assert (event.uid, event.marker) == (made.event.uid, "key-1")


def test_a_copy_keeps_the_marker_and_is_another_event() -> None:
    service, connector = opened()
    made = one(connector, creation(connector))
    assert isinstance(made, Done)
    copied = service.phone.copy(made.remote_id)
    events = service.phone.events()
    assert events[copied].marker == events[made.remote_id].marker == "key-1"
    assert events[copied].uid != events[made.remote_id].uid
    again = one(connector, creation(connector))
    assert isinstance(again, Done)
    assert again.remote_id == made.remote_id


def test_foreign_properties_survive_updates_and_go_with_redaction() -> None:
    service, connector = opened()
    remote_id = service.phone.create(single(TODAY))
    service.phone.annotate(remote_id, {"X-COLOUR": "red"})
    one(connector, Update(remote_id, None, None, {TITLE: "New"}))
    assert service.phone.extra(remote_id)["X-COLOUR"] == "red"
    one(connector, Update(remote_id, None, None, {TITLE: "Busy"}, redact=True))
    assert service.phone.extra(remote_id) == {}


@pytest.mark.parametrize(("silent", "mails"), [(True, 0), (False, 3)])
def test_guests_are_mailed_where_the_service_can_not_be_silent(silent: bool, mails: int) -> None:
    service, connector = opened(silent=silent)
    made = one(connector, creation(connector, target=meeting(TODAY)))
    assert isinstance(made, Done)
    one(connector, Update(made.remote_id, None, None, {TITLE: "New"}))
    one(connector, Update(made.remote_id, None, None, {(MASTER, Field.VISIBILITY): "private"}))
    one(connector, Delete(made.remote_id, None))
    assert [mail.act for mail in service.mails] == ["create", "update", "delete"][:mails]


def test_what_another_organises_can_not_be_edited() -> None:
    service, connector = opened()
    people = People(Person("alice@example.com"), (Person("owner@example.com"),))
    remote_id = service.phone.create(single(TODAY, people=people))
    [seen] = connector.fetch(MAIN, [remote_id])
    assert isinstance(seen, Seen)
    assert seen.event is not None
    assert (seen.event.organised_here, seen.event.editable.time) == (False, False)
    result = one(connector, Update(remote_id, None, None, {TITLE: "Mine"}))
    assert isinstance(result, Failed)
    assert isinstance(result.error, Rejected)
    assert isinstance(one(connector, Update(remote_id, None, None, {(MASTER, Field.VISIBILITY): "private"})), Done)


def test_a_conditional_update_is_refused_and_an_ignored_condition_is_told() -> None:
    service, connector = opened()
    remote_id = service.phone.create(single(TODAY))
    [seen] = connector.fetch(MAIN, [remote_id])
    assert isinstance(seen, Seen)
    service.phone.edit(remote_id, {TITLE: "Theirs"})
    stale = Update(remote_id, seen.version, None, {TITLE: "Ours"})
    refused = one(connector, stale)
    assert isinstance(refused, Failed)
    assert isinstance(refused.error, VersionConflict)
    service.switches = Switches(ignores_preconditions=True)
    done = one(connector, stale)
    assert isinstance(done, Done)
    assert not done.conditional


def test_a_time_change_loses_overrides_which_the_result_names() -> None:
    service, connector = opened(drops_exceptions_on_time_change=True)
    remote_id = service.phone.create(weekly(TODAY))
    later = at(TODAY, 7, 10)
    result = one(connector, Update(remote_id, None, None, {TIME: span(later, rule=("RRULE:FREQ=WEEKLY;COUNT=6",))}))
    assert isinstance(result, Partial)
    assert {key for key, _ in result.missing} == {slot(later, 2), slot(later, 3)}
    assert result.event.content.keys == ()


def test_a_half_written_series_has_its_marker_and_no_overrides() -> None:
    service, connector = opened(half_written_series=1.0)
    result = one(connector, creation(connector, target=weekly(TODAY)))
    assert result is None or isinstance(result, Partial)
    [event] = service.phone.events().values()
    assert (event.marker, event.content.keys) == ("key-1", ())


@pytest.mark.parametrize(("switches", "applied"), [({"loses_reply": 1.0}, 1), ({"loses_request": 1.0}, 0)])
def test_a_lost_reply_was_applied_and_a_lost_request_was_not(switches: dict[str, object], applied: int) -> None:
    service, connector = opened(**switches)
    assert one(connector, creation(connector)) is None
    assert len(service.phone.events()) == applied


def test_a_cancelled_event_is_deleted_by_the_service() -> None:
    service, connector = opened(cancelled_becomes_deletion=True)
    remote_id = service.phone.create(single(TODAY))
    cursor = cursor_of(connector)
    result = one(connector, Update(remote_id, None, None, {(MASTER, Field.STATUS): "cancelled"}))
    assert isinstance(result, Done)
    assert addresses(pages(connector, cursor)) == [("Gone", remote_id)]
    assert service.phone.deleted() == (remote_id,)


def test_a_view_rolls_over_events_and_leaving_it_is_no_sure_deletion() -> None:
    service, connector = opened(horizon_days=30)
    window = Window(TODAY - timedelta(days=30), None)
    near, far = service.phone.create(single(TODAY, days=5)), service.phone.create(single(TODAY, days=40))
    first = pages(connector, None, window)
    assert first[-1].covers == Window(window.start, TODAY + timedelta(days=30))
    assert addresses(first) == [("Seen", near)]
    service.advance(timedelta(days=20))
    service.phone.edit(near, {TIME: span(at(TODAY, 90))})
    entries = told(pages(connector, first[-1].cursor, window))
    assert Gone(near, sure=False) in entries
    assert [entry.remote_id for entry in entries if isinstance(entry, Seen)] == [far]
    assert isinstance(connector.fetch(MAIN, [near])[0], Seen)


def test_a_service_that_rewrites_afterwards_shows_it_with_another_version() -> None:
    _, connector = opened(rewrites_after_write=True, truncates_titles=5)
    made = one(connector, creation(connector, target=single(TODAY, "A long title")))
    assert isinstance(made, Done)
    assert made.event is not None
    assert made.event.content.title == "A long title"
    [seen] = connector.fetch(MAIN, [made.remote_id])
    assert isinstance(seen, Seen)
    assert seen.event is not None
    assert (seen.event.content.title, seen.version != made.version) == ("A lon", True)


def test_what_is_unreadable_says_so() -> None:
    service, connector = opened()
    remote_id = service.phone.create(single(TODAY))
    service.phone.spoil(remote_id)
    assert isinstance(connector.fetch(MAIN, [remote_id])[0], Unreadable)
    assert [kind for kind, _ in addresses(pages(connector))] == ["Unreadable"]
    service.phone.spoil(remote_id, readable=True)
    assert isinstance(connector.fetch(MAIN, [remote_id])[0], Seen)


def test_refused_secrets_and_missing_permissions_are_told() -> None:
    service, connector = opened()
    service.set_read_only()
    result = one(connector, creation(connector))
    assert isinstance(result, Failed)
    assert isinstance(result.error, PermissionMissing)
    service.refuse_sign_in(confirmed=False)
    with pytest.raises(SignInRequired) as caught:
        connector.check()
    assert not caught.value.confirmed
    service.accept_sign_in()
    assert connector.check().address == "owner@example.com"


def test_native_bytes_of_another_event_are_a_bug_of_the_caller() -> None:
    service, connector = opened()
    mine, other = service.phone.create(single(TODAY)), service.phone.create(single(TODAY))
    [seen] = connector.fetch(MAIN, [other])
    assert isinstance(seen, Seen)
    with pytest.raises(AssertionError):
        one(connector, Update(mine, None, seen.native, {TITLE: "New"}))


def test_fragments_tell_a_series_several_times_and_never_whole() -> None:
    service, connector = opened(splits_series_into_fragments=True)
    remote_id = service.phone.create(weekly(TODAY))
    entries = told(pages(connector))
    assert len(entries) == 3
    assert set(entries) == {Seen(remote_id)}


def test_a_repeating_service_repeats() -> None:
    service, connector = opened(repeats_and_reorders=True)
    cursor = cursor_of(connector)
    assert [len(page.entries) for page in pages(connector)] == [0, 0]
    ids = [service.phone.create(single(TODAY)) for _ in range(6)]
    listed = [remote_id for _, remote_id in addresses(pages(connector, cursor))]
    assert set(listed) == set(ids)
    assert len(listed) > len(ids)
    assert listed != sorted(listed)


def test_the_same_seed_gives_the_same_history() -> None:
    def history(seed: int) -> list[bool]:
        service = MemoryService(Switches(loses_reply=0.5), Random(seed))
        connector = MemoryConnector(service)
        return [one(connector, creation(connector, f"key-{number}")) is None for number in range(20)]

    assert history(1) == history(1)
    assert history(1) != history(2)


def test_calendars_of_one_service_are_apart() -> None:
    service = MemoryService(calendars=("a", "b"))
    service.phone_at("b").create(single(TODAY))
    assert (len(service.phone.events()), len(service.phone_at("b").events())) == (0, 1)
    assert [each.primary for each in MemoryConnector(service).calendars()] == [True, False]
