"""Real calendar files on a real server: a changed title changes nothing else, whatever the files hold.

Each resource is compared as the server handed it out before and after: what Radicale itself makes of a body when it
stores it (it re-orders, and drops what it does not parse) is not calbridge's doing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from calbridge.connectors.ical import Broken, read
from tests.e2e.corpus_compare import differences, said
from tests.e2e.corpus_files import Resource, resources, slices
from tests.e2e.corpus_outcomes import FILES, READ, TOTALS, Outcomes, expected
from tests.e2e.corpus_server import bodies, store
from tests.e2e.corpus_sync import EVERYTHING, LinkedUser
from tests.servers import CalendarServer

SLICES = 64
TITLE = 'Retitled \u00fc, "no. 7"; C:\\new'


@pytest.fixture(scope="session")
def corpus(shared_corpus: Path) -> list[Resource]:
    """Every resource that the corpus makes."""
    return resources(shared_corpus)


@pytest.fixture(scope="session")
def shares(corpus: list[Resource]) -> list[list[Resource]]:
    """The corpus in slices: Radicale's PUT takes longer the more a calendar holds."""
    return slices(corpus, SLICES)


@pytest.fixture
def calendar(radicale_server: CalendarServer) -> Iterator[str]:
    """An empty calendar that is gone afterwards, so that the next test's account is small again."""
    with radicale_server.passing_calendar() as url:
        yield url


def stored(server: CalendarServer, calendar: str, share: list[Resource]) -> tuple[dict[str, Resource], Outcomes]:
    """PUT them all: what lies there by path, and what the server refused."""
    there: dict[str, Resource] = {}
    refused: Outcomes = {}
    for place, one in enumerate(share):
        url = f"{calendar}{place}.ics"
        status = store(server, url, one.body)
        if status == 201:
            there[urlsplit(url).path] = one
        else:
            refused[one.file, one.number] = f"refused by the server ({status})"
    return there, refused


def outcome(user: LinkedUser, path: str) -> str:
    """What became of a resource when everything was retrieved."""
    linked = {"edited" if link.editable.details else "organised elsewhere" for link in user.links(path)}
    rows = {f"{row.state.value}: {row.code}" for row in user.known(path)}
    return ", ".join(sorted(linked | rows)) or "nothing"


@pytest.mark.parametrize("number", range(SLICES))
def test_a_changed_title_changes_nothing_else(
    number: int, shares: list[list[Resource]], radicale_server: CalendarServer, calendar: str
) -> None:
    share = shares[number]
    there, outcomes = stored(radicale_server, calendar, share)
    before = bodies(radicale_server, calendar)
    assert before.keys() == there.keys()
    user = LinkedUser(radicale_server, calendar)
    try:
        user.sync(EVERYTHING)
        outcomes |= {(one.file, one.number): outcome(user, path) for path, one in there.items()}
        assert outcomes == expected(share)
        retitle_and_compare(user, radicale_server, calendar, before, there)
        assert_quiet(user, parts=any("#" in (link.remote_id or "") for link in user.tables.links.values()))
    finally:
        user.close()


def test_the_outcomes_add_up(corpus: list[Resource]) -> None:
    ends = expected(corpus)
    assert len({one.file for one in corpus}) == FILES
    assert Counter((one.kind, ends[one.file, one.number]) for one in corpus) == TOTALS


def test_what_a_server_would_refuse_is_read_or_set_aside_with_its_code(corpus: list[Resource]) -> None:
    assert Counter((one.kind, code) for one in corpus for code in codes(one.body)) == READ


def codes(body: bytes) -> set[str]:
    """How calbridge reads a body that some other server may hold."""
    return {one.code if isinstance(one, Broken) else "readable" for one in read(body)}


def retitle_and_compare(
    user: LinkedUser, server: CalendarServer, calendar: str, before: dict[str, bytes], there: dict[str, Resource]
) -> None:
    """Change every title, send, and look at every resource: only what may be changed there may have been written."""
    edited = {path: [link for link in user.links(path) if link.editable.details] for path in there}
    user.retitle(list(user.tables.links.values()), TITLE)
    sent = user.sync().counters.get("events_changed", 0)
    assert sent == sum(len(links) for links in edited.values())
    assert {link.state.value for link in user.tables.links.values()} <= {"synced"}
    after = bodies(server, calendar)
    assert after.keys() == before.keys()
    for path, links in edited.items():
        if links:
            assert (there[path].file, differences(said(before[path]), said(after[path]), TITLE)) == (
                there[path].file,
                [],
            )
        else:
            assert after[path] == before[path], there[path].file


def assert_quiet(user: LinkedUser, *, parts: bool) -> None:
    """Nothing is written and one request is sent.

    ``parts``: some links name overrides without a master. A listing tells of resources only, so after such a one was
    written its resource is read once more before all is quiet.
    """
    if parts:
        assert not user.sync().wrote
    requests = user.requests()
    assert not user.sync().wrote
    assert user.requests() - requests == 1
