"""Finding changes: tokens, ctags, listings (dossier 4.1, 4.2)."""

from __future__ import annotations

import pytest

from calbridge.connectors.contract import OPEN_WINDOW, Gone, Seen
from calbridge.connectors.transport import Headers, Response
from calbridge.errors import CursorExpired, Unavailable
from calbridge_caldav.multistatus import read_multistatus

from .conftest import Link, Serve
from .support import Phone, filled, single

HERE = "/calendars/alice@example.com/work/"


def ids(entries: list[Seen | Gone]) -> list[str]:
    return [entry.remote_id.removeprefix(HERE) for entry in entries]


def test_a_full_listing_is_one_request_with_versions_and_a_cursor(serve: Serve, link: Link) -> None:
    double = serve()
    filled(double, 3)
    phone = link(double)
    entries, page = phone.listing()
    assert ids(entries) == ["e0.ics", "e1.ics", "e2.ics"]
    assert [e.version for e in entries if isinstance(e, Seen)] == [double.etag("work", f"e{n}.ics") for n in range(3)]
    assert (page.full, page.covers, page.last) == (True, OPEN_WINDOW, True)
    assert len(double.requests) == 1


def test_a_poll_without_change_is_one_small_request_whatever_the_size(serve: Serve, link: Link) -> None:
    double = serve()
    filled(double, 300)
    phone = link(double)
    cursor = phone.cursor()
    double.clear()
    entries, page = phone.listing(cursor)
    assert (entries, page.cursor, page.full) == ([], cursor, False)
    assert len(double.requests) == 1
    assert double.bytes_moved < 2000


def test_a_delta_tells_changes_and_removals(serve: Serve, link: Link) -> None:
    double = serve()
    filled(double, 3)
    phone = link(double)
    cursor = phone.cursor()
    double.put_event("work", "e1.ics", single("uid-1", "Dinner"))
    double.delete_event("work", "e2.ics")
    entries, page = phone.listing(cursor)
    assert entries == [Seen(HERE + "e1.ics", double.etag("work", "e1.ics")), Gone(HERE + "e2.ics", sure=True)]
    assert not page.full
    assert phone.listing(page.cursor)[0] == []


def test_large_listings_come_in_pages(serve: Serve, link: Link) -> None:
    double = serve()
    filled(double, 1001)
    phone = link(double)
    pages = list(phone.connector.changes(phone.calendar, None, OPEN_WINDOW))
    assert [len(page.entries) for page in pages] == [1000, 1]
    assert [page.last for page in pages] == [False, True]
    assert [page.full for page in pages] == [False, True]
    assert len(double.requests) == 1


def test_507_pages_are_checkpoints_that_can_be_resumed(serve: Serve, link: Link) -> None:
    double = serve(sync_page=2)
    filled(double, 5)
    phone = link(double)
    pages = list(phone.connector.changes(phone.calendar, None, OPEN_WINDOW))
    assert [len(page.entries) for page in pages] == [2, 2, 1]
    assert pages[-1].full
    assert pages[0].checkpoint is not None
    rest, last = phone.listing(pages[0].checkpoint)
    assert ids(rest) == ["e2.ics", "e3.ics", "e4.ics"]
    assert last.cursor == pages[-1].cursor
    assert not last.full


def test_a_listing_cut_without_a_word_is_noticed_by_its_round_length(serve: Serve, link: Link) -> None:
    double = serve(sync_page=500, truncated_token_skips_rest=True)
    filled(double, 503)
    entries, page = link(double).listing()
    assert len({entry.remote_id for entry in entries}) == 503
    assert page.full
    assert len(double.requests) == 2


@pytest.mark.parametrize("status", [403, 412, 400, 409, 410, 404, 418, 500])
@pytest.mark.parametrize("named", [True, False])
def test_every_refusal_of_a_token_means_that_it_expired(serve: Serve, link: Link, status: int, named: bool) -> None:
    double = serve(token_refusal_status=status, token_refusal_named=named)
    filled(double, 1)
    phone = link(double)
    cursor = phone.cursor()
    double.expire_tokens("work")
    with pytest.raises(CursorExpired):
        phone.listing(cursor)
    assert ids(phone.listing()[0]) == ["e0.ics"]


def test_a_cursor_of_somebody_else_is_expired(serve: Serve, link: Link) -> None:
    with pytest.raises(CursorExpired):
        link(serve()).listing('{"foreign": 1}')


def test_a_token_that_goes_bad_silently_is_caught_by_the_full_listing(serve: Serve, link: Link) -> None:
    double = serve(bad_tokens_pass=True, omit_change_times=1)
    phone = link(double)
    cursor = phone.cursor()
    filled(double, 1)
    assert phone.listing(cursor)[0] == []  # the server's log forgot the change
    double.expire_tokens("work")
    double.put_event("work", "e1.ics", single("uid-1"))
    assert phone.listing(cursor)[1].full is False
    double.quirks.sync_collection = False
    entries, page = phone.listing()
    assert ids(entries) == ["e0.ics", "e1.ics"]
    assert page.full


def test_rows_that_are_no_events_are_left_out(serve: Serve, link: Link) -> None:
    double = serve(lists_collection_row=True, lists_foreign_rows=True, row_status=201)
    filled(double, 1)
    phone = link(double)
    assert ids(phone.listing()[0]) == ["e0.ics"]
    double.quirks.sync_collection = False
    assert ids(phone.listing()[0]) == ["e0.ics"]


def test_a_row_with_an_error_is_seen_without_a_version(serve: Serve, link: Link) -> None:
    double = serve(error_rows=frozenset({"e1.ics"}))
    filled(double, 2)
    entries, _ = link(double).listing()
    assert entries[1] == Seen(HERE + "e1.ics", None)


def test_unknown_removals_are_told_as_they_come(serve: Serve, link: Link) -> None:
    double = serve(never_seen_gone_rows=True)
    phone = link(double)
    assert phone.listing(phone.cursor())[0] == [Gone(HERE + "never-seen.ics", sure=True)]


def test_each_of_many_removals_in_one_row_counts(serve: Serve, link: Link) -> None:
    double = serve(removals_share_a_row=True)
    filled(double, 4)
    phone = link(double)
    cursor = phone.cursor()
    for number in (0, 2, 3):
        double.delete_event("work", f"e{number}.ics")
    assert phone.listing(cursor)[0] == [Gone(f"{HERE}e{number}.ics", sure=True) for number in (0, 2, 3)]


def test_an_address_inside_an_error_is_none_of_a_row() -> None:
    row = "<D:href>/a.ics</D:href><D:status>HTTP/1.1 423 Locked</D:status>"
    error = "<D:error><D:lock-token-submitted><D:href>/b.ics</D:href></D:lock-token-submitted></D:error>"
    body = f'<D:multistatus xmlns:D="DAV:"><D:response>{row}{error}</D:response></D:multistatus>'
    answer = read_multistatus(Response(207, Headers(), body.encode(), ""))
    assert [(row.href, row.status) for row in answer.rows] == [("/a.ics", 423)]


def test_repeated_changes_carry_the_same_version(serve: Serve, link: Link) -> None:
    double = serve(repeats_same_second=True)
    filled(double, 1)
    phone = link(double)
    first, page = phone.listing()
    assert phone.listing(page.cursor)[0] == first


def test_counting_etags_prove_nothing_in_a_delta(serve: Serve, link: Link) -> None:
    double = serve(counter_etags=True)
    filled(double, 1)
    phone = link(double)
    entries, page = phone.listing()
    assert entries == [Seen(HERE + "e0.ics", '"gcs00000000"')]
    double.delete_event("work", "e0.ics")
    double.put_event("work", "e0.ics", single("uid-0", "Another one"))
    assert phone.listing(page.cursor)[0] == [Seen(HERE + "e0.ics", None)]


@pytest.mark.parametrize(
    "spelling", [{"encodes_at": True}, {"encodes_plus": True}, {"absolute_hrefs": True}, {"sync_report_listed": False}]
)
def test_two_spellings_of_an_address_are_one(serve: Serve, link: Link, spelling: dict[str, bool]) -> None:
    double = serve(**spelling)
    double.put_event("work", "a+b@c.ics", single("a"))
    phone = link(double)
    entries, _ = phone.listing()
    assert ids(entries) == ["a+b@c.ics"]
    assert phone.fetch_one(HERE + "a+b@c.ics").uid == "a"


def test_without_sync_collection_an_unchanged_ctag_is_one_request(serve: Serve, link: Link) -> None:
    double = serve(sync_collection=False, ctag="quoted")
    filled(double, 2)
    phone = link(double)
    entries, page = phone.listing()
    assert (ids(entries), page.full) == (["e0.ics", "e1.ics"], True)
    assert len(double.requests) == 3
    double.clear()
    assert phone.listing(page.cursor)[0] == []
    assert len(double.requests) == 1
    double.delete_event("work", "e0.ics")
    entries, after = phone.listing(page.cursor)
    assert (ids(entries), after.full) == (["e1.ics"], True)
    assert after.cursor != page.cursor


def test_the_ctag_is_read_before_the_listing(serve: Serve, link: Link) -> None:
    double = serve(sync_collection=False)
    phone = link(double)
    double.before("PROPFIND 1", lambda: filled(double, 1))
    _, page = phone.listing()
    assert ids(phone.listing(page.cursor)[0]) == ["e0.ics"]  # at worst it is listed once more


def test_without_any_mark_every_poll_is_a_full_listing(serve: Serve, link: Link) -> None:
    double = serve(sync_collection=False, ctag="missing")
    filled(double, 1)
    phone = link(double)
    page = phone.listing()[1]
    entries, after = phone.listing(page.cursor)
    assert (ids(entries), after.full) == (["e0.ics"], True)


def test_a_ctag_that_ignores_deletions_is_caught_by_the_full_listing(serve: Serve, link: Link) -> None:
    double = serve(sync_collection=False, ctag_ignores_deletes=True)
    filled(double, 2)
    phone = link(double)
    cursor = phone.cursor()
    double.delete_event("work", "e1.ics")
    assert phone.listing(cursor)[0] == []
    assert ids(phone.listing()[0]) == ["e0.ics"]


def test_where_the_empty_token_is_refused_a_token_is_had_from_the_property(serve: Serve, link: Link) -> None:
    double = serve(refuses_empty_token=True)
    filled(double, 1)
    phone = link(double)
    entries, page = phone.listing()
    assert (ids(entries), page.full) == (["e0.ics"], True)
    double.clear()
    double.put_event("work", "e1.ics", single("uid-1"))
    assert ids(phone.listing(page.cursor)[0]) == ["e1.ics"]
    assert [entry.operation for entry in double.requests] == ["sync-collection"]


@pytest.mark.parametrize(
    "breakage", ["html", "entity_bomb", "external_entity", "empty", "not_xml", "deep", "gzip_bomb"]
)
def test_nonsense_is_never_read_as_an_empty_calendar(serve: Serve, link: Link, breakage: str) -> None:
    double = serve()
    filled(double, 1)
    phone = link(double)
    cursor = phone.cursor()
    double.quirks.breakage = breakage  # type: ignore[assignment]
    for asked in (cursor, None):
        with pytest.raises(Unavailable):
            phone.listing(asked)


@pytest.mark.parametrize("fault", ["drop_times", "lose_reply_times", "cut_times"])
def test_reading_is_repeated_after_a_lost_answer(serve: Serve, link: Link, fault: str) -> None:
    double = serve()
    filled(double, 2)
    phone = link(double)
    setattr(double.quirks, fault, 1)
    assert ids(phone.listing()[0]) == ["e0.ics", "e1.ics"]


def test_a_slow_server_is_given_up(serve: Serve, link: Link) -> None:
    double = serve()
    phone: Phone = link(double, timeout=0.3)
    double.quirks.latency_seconds = 1.0
    with pytest.raises(Unavailable) as raised:
        phone.listing()
    assert raised.value.code == "timed_out"


def test_compressed_answers_are_read(serve: Serve, link: Link) -> None:
    double = serve(gzip=True)
    filled(double, 2)
    assert len(link(double).listing()[0]) == 2


def test_one_connection_serves_all_reading(serve: Serve, link: Link) -> None:
    double = serve()
    filled(double, 2)
    phone = link(double)
    phone.listing(phone.cursor())
    phone.fetch(HERE + "e0.ics")
    assert double.connections == 1


def test_an_empty_207_is_no_empty_calendar(serve: Serve, link: Link) -> None:
    double = serve(sync_collection=False)
    filled(double, 1)
    phone = link(double)
    cursor = phone.cursor()
    filled(double, 2)
    double.quirks.breakage = "empty"
    double.quirks.faulty_operations = frozenset({"PROPFIND 1"})
    for asked in (cursor, None):
        with pytest.raises(Unavailable):
            phone.listing(asked)


def test_a_late_404_propstat_does_not_freeze_the_ctag(serve: Serve, link: Link) -> None:
    double = serve(sync_collection=False, late_404_propstats=True)
    phone = link(double)
    cursor = phone.cursor()
    assert '"kind":"ctag"' in cursor
    filled(double, 1)
    assert ids(phone.listing(cursor)[0]) == ["e0.ics"]


def test_a_run_over_remote_changes_stays_within_its_ceiling(serve: Serve, link: Link) -> None:
    double = serve()
    filled(double, 30)
    phone = link(double)
    cursor = phone.cursor()
    double.clear()
    for number in range(10):
        double.put_event("work", f"e{number}.ics", single(f"uid-{number}", "Changed"))
    double.delete_event("work", "e20.ics")
    entries, _ = phone.listing(cursor)
    rows = phone.fetch(*(entry.remote_id for entry in entries))
    assert len(rows) == 11
    assert len(double.requests) == 2


def test_retrieving_everything_is_a_listing_and_its_batches(serve: Serve, link: Link) -> None:
    double = serve()
    filled(double, 501)
    phone = link(double)
    found = [entry.remote_id for entry in phone.listing()[0]]
    for start in range(0, 501, 500):
        assert all(isinstance(row, Seen) for row in phone.fetch(*found[start : start + 500]).values())
    assert len(double.requests) == 3


@pytest.mark.parametrize("sync", [True, False])
def test_a_member_whose_row_failed_is_there_all_the_same(serve: Serve, link: Link, sync: bool) -> None:
    double = serve(sync_collection=sync, error_rows=frozenset({"e1.ics"}))
    filled(double, 3)
    entries, page = link(double).listing()
    assert [(entry.remote_id.removeprefix(HERE), isinstance(entry, Seen)) for entry in entries] == [
        ("e0.ics", True),
        ("e1.ics", True),
        ("e2.ics", True),
    ]
    assert page.full


def test_a_listing_that_was_cut_is_no_listing(serve: Serve, link: Link) -> None:
    double = serve(sync_collection=False, listing_page=2)
    filled(double, 3)
    with pytest.raises(Unavailable):
        link(double).listing()
