"""Real calendar files on a real server: a changed title changes nothing else, whatever the files hold.

Each resource is compared as the server handed it out before and after: what Radicale itself makes of a body when it
stores it (it re-orders, and drops what it does not parse) is not calbridge's doing.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.corpus_compare import differences, said
from tests.e2e.corpus_files import Resource, resources, slices
from tests.e2e.corpus_outcomes import ODD, TOTALS, Outcomes, expected
from tests.e2e.corpus_server import bodies, store
from tests.e2e.corpus_sync import EVERYTHING, LinkedUser
from tests.servers import CalendarServer

SLICES = 64
TITLE = 'Retitled \u00fc, "no. 7"; C:\\new'


@pytest.fixture(scope="session")
def corpus(shared_corpus: Path) -> list[Resource]:
    """Every resource that the corpus makes."""
    return resources(shared_corpus)


def stored(server: CalendarServer, calendar: str, share: list[Resource]) -> tuple[dict[str, Resource], Outcomes]:
    """PUT them all: what lies there by path, and what the server refused."""
    there: dict[str, Resource] = {}
    refused: Outcomes = Counter()
    for number, one in enumerate(share):
        url = f"{calendar}{number}.ics"
        status = store(server, url, one.body)
        if status == 201:
            there[urlsplit(url).path] = one
        else:
            refused[one.file, f"refused by the server ({status})"] += 1
    return there, refused


def outcome(user: LinkedUser, path: str) -> str:
    """What became of a resource when everything was retrieved."""
    linked = {"edited" if link.editable.details else "organised elsewhere" for link in user.links(path)}
    rows = {f"{row.state.value}: {row.code}" for row in user.known(path)}
    return ", ".join(sorted(linked | rows)) or "nothing"


@pytest.mark.parametrize("number", range(SLICES))
def test_a_changed_title_changes_nothing_else(
    number: int, corpus: list[Resource], radicale_server: CalendarServer
) -> None:
    calendar = radicale_server.new_calendar()
    share = slices(corpus, SLICES)[number]
    there, outcomes = stored(radicale_server, calendar, share)
    before = bodies(radicale_server, calendar)
    assert before.keys() == there.keys()
    user = LinkedUser(radicale_server, calendar)
    try:
        user.sync(EVERYTHING)
        outcomes.update((one.file, outcome(user, path)) for path, one in there.items())
        retitle_and_compare(user, radicale_server, calendar, before, there)
        assert_quiet(user, several=any(len(user.links(path)) > 1 for path in there))
    finally:
        user.close()
    assert outcomes == expected(share, outcomes)


def retitle_and_compare(
    user: LinkedUser, server: CalendarServer, calendar: str, before: dict[str, bytes], there: dict[str, Resource]
) -> None:
    """Change every title that may be changed, send, and look at every resource."""
    edited = {path: [link for link in user.links(path) if link.editable.details] for path in there}
    for links in edited.values():
        user.retitle(links, TITLE)
    sent = user.sync().counters.get("events_changed", 0)
    assert sent == sum(len(links) for links in edited.values())
    assert {link.state.value for link in user.tables.links.values()} <= {"synced"}
    after = bodies(server, calendar)
    found = {
        there[path].file: differences(said(before[path]), said(after[path]), TITLE) if links else ["was written"]
        for path, links in edited.items()
        if links or before[path] != after[path]
    }
    assert {file: faults for file, faults in found.items() if faults} == {}


def assert_quiet(user: LinkedUser, *, several: bool) -> None:
    """``several``: two links share a resource, so the version of one was raised by writing the other: one look more."""
    if several:
        assert not user.sync().wrote
    requests = user.requests()
    assert not user.sync().wrote
    assert user.requests() - requests == 1
