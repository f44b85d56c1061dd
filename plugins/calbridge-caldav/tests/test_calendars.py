"""Which calendars are offered, and what happens to one that is gone (dossier 3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calbridge.connectors.contract import Failed
from calbridge.connectors.transport import Headers, Response
from calbridge.errors import CalendarGone, CursorExpired, PermissionMissing, Unavailable
from calbridge_caldav.calendars import listed
from calbridge_caldav.properties import read_resources

from .conftest import Link, Serve
from .support import meeting, single


def test_only_calendars_for_events_are_listed(serve: Serve, link: Link) -> None:
    double = serve(
        scheduling_boxes=True,
        subscribed_calendar=True,
        notification_collection=True,
        todo_calendar=True,
        twin_collections=True,
        late_404_propstats=True,
        extra_calendars=("home",),
    )
    found = link(double).connector.calendars()
    assert [calendar.name for calendar in found] == ["Work", "Home"]
    assert all(calendar.writable for calendar in found)


def test_a_calendar_marked_as_outbox_is_one_all_the_same(serve: Serve, link: Link) -> None:
    assert len(link(serve(default_calendar_is_outbox=True)).connector.calendars()) == 1


@pytest.mark.parametrize("privileges", ["write", "parts", "all", "missing"])
def test_every_way_to_say_writable_is_understood(serve: Serve, link: Link, privileges: str) -> None:
    found = link(serve(privileges=privileges)).connector.calendars()
    assert [calendar.writable for calendar in found] == [True]


def test_a_read_only_calendar_is_said_to_be_one_and_leaves_one_primary(serve: Serve, link: Link) -> None:
    found = link(serve(read_only_calendar=True)).connector.calendars()
    assert [(c.name, c.writable, c.primary) for c in found] == [("Work", True, True), ("Holidays", False, False)]


@pytest.mark.parametrize(("color", "told"), [("#FF2968FF", "#FF2968"), ("#abcdef", "#ABCDEF"), ("red", None)])
def test_colours_lose_their_alpha(serve: Serve, link: Link, color: str, told: str | None) -> None:
    assert link(serve(color=color)).connector.calendars()[0].color == told


def test_a_missing_component_set_means_all_components(serve: Serve, link: Link) -> None:
    assert len(link(serve(component_set=False)).connector.calendars()) == 1


def test_all_homes_are_listed(serve: Serve, link: Link) -> None:
    found = link(serve(second_home=True)).connector.calendars()
    assert [c.id for c in found] == ["/calendars/alice@example.com/work/", "/more/alice@example.com/shared/"]


MORE = "/more/alice@example.com/"


@pytest.mark.parametrize("checked", [True, False])
def test_a_home_that_is_closed_to_the_account_hides_no_other(serve: Serve, link: Link, checked: bool) -> None:
    double = serve(second_home=True)
    phone = link(double, checked=checked)
    double.quirks.forbidden_paths = frozenset({MORE})
    assert [c.id for c in phone.connector.calendars()] == ["/calendars/alice@example.com/work/"]
    double.quirks.forbidden_paths = frozenset({MORE, "/calendars/alice@example.com/"})
    with pytest.raises(PermissionMissing):
        phone.connector.calendars()


def test_a_calendar_of_a_closed_home_is_gone_only_if_it_says_so_itself(serve: Serve, link: Link) -> None:
    double = serve(second_home=True)
    phone = replace(link(double), calendar=MORE + "shared/")
    double.quirks.forbidden_paths = frozenset({MORE})
    assert phone.listing()[1].full
    double.quirks.calendar_vanished = 404
    with pytest.raises(PermissionMissing):
        phone.listing()
    double.quirks.calendar_vanished = None
    double.quirks.calendar_closed = True
    with pytest.raises(CalendarGone):
        phone.listing()


@pytest.mark.parametrize("spelling", [{"encodes_at": True}, {"absolute_hrefs": True}])
def test_the_id_of_a_calendar_does_not_depend_on_its_spelling(
    serve: Serve, link: Link, spelling: dict[str, bool]
) -> None:
    assert link(serve(**spelling)).connector.calendars()[0].id == "/calendars/alice@example.com/work/"


@pytest.mark.parametrize("status", [404, 410])
def test_a_vanished_calendar_is_gone_and_its_events_are_not(serve: Serve, link: Link, status: int) -> None:
    double = serve()
    double.put_event("work", "a.ics", single("a"))
    phone = link(double)
    cursor = phone.cursor()
    double.quirks.calendar_vanished = status
    for asked in (cursor, None):
        with pytest.raises(CalendarGone):
            phone.listing(asked)
    with pytest.raises(CalendarGone):
        phone.fetch("/calendars/alice@example.com/work/a.ics")


def test_a_dropped_calendar_is_gone_also_for_a_write(serve: Serve, link: Link) -> None:
    double = serve(extra_calendars=("home",))
    phone = link(double)
    made = phone.made("k", meeting())
    double.drop_calendar("work")
    result = phone.retitle(made, "New")
    assert isinstance(result, Failed)
    with pytest.raises(CalendarGone):
        phone.listing()


def test_a_moved_partition_is_followed(serve: Serve, link: Link) -> None:
    double = serve()
    double.put_event("work", "a.ics", single("a"))
    phone = link(double, service="icloud")
    cursor = phone.cursor()
    double.quirks.partition = True
    entries, page = phone.listing(cursor)
    assert entries == []
    assert page.cursor == cursor
    assert phone.connector.calendars()[0].id == "/calendars/alice@example.com/work/"


def test_server_trouble_is_neither_gone_nor_empty(serve: Serve, link: Link) -> None:
    double = serve()
    double.put_event("work", "a.ics", single("a"))
    phone = link(double)
    double.quirks.breakage = "empty"
    with pytest.raises(Unavailable):
        phone.listing()
    double.quirks.breakage = None
    double.quirks.server_error_times = 99
    with pytest.raises(Unavailable):
        phone.listing()
    double.quirks.server_error_times = 0
    double.quirks.forbids_everything = True
    with pytest.raises(PermissionMissing):
        phone.listing()


def test_a_calendar_that_alone_is_closed_to_us_says_nothing_about_the_account(serve: Serve, link: Link) -> None:
    double = serve()
    double.put_event("work", "a.ics", single("a"))
    phone = link(double)
    cursor = phone.cursor()
    double.quirks.calendar_closed = True
    with pytest.raises(CursorExpired):
        phone.listing(cursor)
    with pytest.raises(CalendarGone):
        phone.listing()
    with pytest.raises(CalendarGone):
        phone.fetch("/calendars/alice@example.com/work/a.ics")
    with pytest.raises(CalendarGone):
        phone.connector.find(phone.calendar, [], ["elsewhere"])
    double.quirks.forbids_everything = True
    with pytest.raises(PermissionMissing):
        phone.listing()


def test_where_queries_are_unknown_nothing_is_found_by_uid(serve: Serve, link: Link) -> None:
    phone = link(serve(knows_queries=False))
    assert phone.connector.find(phone.calendar, [], ["elsewhere"]) == []


def test_a_subscription_that_calls_itself_a_calendar_is_left_out() -> None:
    rows = "".join(
        f"<D:response><D:href>/home/{name}/</D:href><D:propstat><D:prop><D:resourcetype><D:collection/><C:calendar/>"
        f"{kind}</D:resourcetype></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
        for name, kind in (("own", ""), ("feed", '<S:subscribed xmlns:S="http://calendarserver.org/ns/"/>'))
    )
    body = f'<D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">{rows}</D:multistatus>'
    resources = read_resources(Response(207, Headers(), body.encode(), ""))
    home = "https://dav.example.com/home/"
    assert [calendar.name for calendar in listed(resources, home, home)] == ["own"]


def test_a_home_that_does_not_answer_for_itself_is_no_empty_home(serve: Serve, link: Link) -> None:
    double = serve()
    phone = link(double)
    double.quirks.breakage = "empty"
    double.quirks.faulty_operations = frozenset({"PROPFIND 1"})
    with pytest.raises(Unavailable):
        phone.connector.calendars()
    double.quirks.calendar_vanished = 404
    with pytest.raises(Unavailable):
        phone.listing()
