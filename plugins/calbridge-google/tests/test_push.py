"""Push channels, with the double pushing to a receiver on this machine (dossier 7)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from calbridge.connectors.capabilities import Ability
from calbridge.connectors.contract import Heard, Notice, Subscription, Watch, Watching
from calbridge.errors import CalendarGone, Rejected, SignInRequired, Unavailable
from calbridge_google.notices import read_notice
from tests.doubles.google import ApiError, GoogleDouble

from .conftest import Link, Serve
from .support import Client, meeting, single

HOST = "calbridge.example.com"


class Receiver(ThreadingHTTPServer):
    """Keeps what comes in, and answers with the statuses it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.notices: list[Notice] = []
        self.statuses: list[int] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def log_message(self, *_: Any) -> None:
        """Silent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.notices.append(Notice({name.lower(): value for name, value in self.headers.items()}, {}, body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 204)
        self.end_headers()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.stop()


def watched(google: GoogleDouble, client: Client, receiver: Receiver, name: str = "watch-1") -> Watch:
    google.route(HOST, receiver.server_address[1])
    return client.connector.watch(client.calendar, subscription(name))


def subscription(name: str) -> Subscription:
    return Subscription(name, f"https://{HOST}/v1/notifications/google/{name}", f"token of {name}")


def heard(google: GoogleDouble, client: Client, receiver: Receiver) -> list[Heard]:
    """What came in so far."""
    assert google.messages is not None
    return [read_notice(notice) for notice in receiver.notices]


def test_a_change_is_heard_with_its_channel_and_token(serve: Serve, link: Link, receiver: Receiver) -> None:
    google = serve()
    client = link(google)
    assert isinstance(client.connector, Watching)
    assert client.connector.capabilities.has(Ability.PUSH)
    watch = watched(google, client, receiver)
    assert watch.expires_at > datetime.now(UTC) + timedelta(days=6)
    google.insert(single())
    first, second = heard(google, client, receiver)
    assert first == Heard("watch-1", "token of watch-1", changed=False)
    assert second == Heard("watch-1", "token of watch-1", changed=True)
    assert [message.statuses for message in google.messages] == [[204], [204]]


def test_own_writes_are_heard_too(serve: Serve, link: Link, receiver: Receiver) -> None:
    google = serve()
    client = link(google)
    watched(google, client, receiver)
    client.made("key-1", meeting())
    assert [each.changed for each in heard(google, client, receiver)] == [False, True]


def test_only_the_returned_end_counts(serve: Serve, link: Link, receiver: Receiver) -> None:
    google = serve(longest_channel=3600)
    watch = watched(google, link(google), receiver)
    assert watch.expires_at < datetime.now(UTC) + timedelta(hours=1, minutes=1)


def test_renewing_opens_the_new_one_before_it_stops_the_old_one(serve: Serve, link: Link, receiver: Receiver) -> None:
    google = serve()
    client = link(google)
    first = watched(google, client, receiver)
    google.clear()
    second = client.connector.renew(client.calendar, first, subscription("watch-2"))
    assert [entry.operation for entry in google.requests] == ["events.watch", "channels.stop"]
    assert set(google.channels) == {"watch-2"}
    client.connector.unwatch(client.calendar, second)
    assert google.channels == {}


def test_renewing_succeeds_although_the_old_one_can_not_be_stopped(
    serve: Serve, link: Link, receiver: Receiver
) -> None:
    google = serve()
    client = link(google)
    first = watched(google, client, receiver)
    google.fail("channels.stop", ApiError(503, "backendError"))
    client.connector.renew(client.calendar, first, subscription("watch-2"))
    assert set(google.channels) == {"watch-1", "watch-2"}


def test_a_channel_that_is_gone_is_stopped(serve: Serve, link: Link, receiver: Receiver) -> None:
    google = serve()
    client = link(google)
    watch = watched(google, client, receiver)
    client.connector.unwatch(client.calendar, watch)
    client.connector.unwatch(client.calendar, watch)
    client.connector.unwatch(client.calendar, Watch("not ours", watch.expires_at))


def test_a_late_message_after_the_stop_names_its_channel(serve: Serve, link: Link, receiver: Receiver) -> None:
    google = serve(stops_late=True)
    client = link(google)
    client.connector.unwatch(client.calendar, watched(google, client, receiver))
    assert [each.id for each in heard(google, client, receiver)] == ["watch-1", "watch-1"]


def test_a_receiver_in_trouble_is_told_again(serve: Serve, link: Link, receiver: Receiver) -> None:
    google = serve()
    client = link(google)
    watched(google, client, receiver)
    receiver.statuses = [503, 500, 204]
    google.insert(single())
    assert google.messages[-1].statuses == [503, 500, 204]


def test_an_id_is_used_once(serve: Serve, link: Link, receiver: Receiver) -> None:
    google = serve()
    client = link(google)
    watched(google, client, receiver)
    with pytest.raises(Rejected):
        watched(google, client, receiver)


def test_a_calendar_that_is_gone_can_not_be_watched(serve: Serve, link: Link) -> None:
    client = link(serve())
    with pytest.raises(CalendarGone):
        client.connector.watch("nobody@example.com", subscription("watch-1"))


def test_a_lost_reply_leaves_a_channel_that_ends_by_itself(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    google.lose_reply("events.watch")
    with pytest.raises(Unavailable):
        client.connector.watch(client.calendar, subscription("watch-1"))
    assert set(google.channels) == {"watch-1"}


def test_where_access_was_taken_back_every_act_on_a_channel_says_so_for_certain(
    serve: Serve, link: Link, receiver: Receiver
) -> None:
    google = serve()
    client = link(google)
    first = watched(google, client, receiver)
    google.revoke()
    google.kill_access_tokens()
    for act in (
        lambda: client.connector.watch(client.calendar, subscription("watch-2")),
        lambda: client.connector.renew(client.calendar, first, subscription("watch-2")),
        lambda: client.connector.unwatch(client.calendar, first),
    ):
        with pytest.raises(SignInRequired) as raised:
            act()
        assert (raised.value.confirmed, raised.value.code) == (True, "grant_ended")
    assert set(google.channels) == {"watch-1"}


@pytest.mark.parametrize("headers", [{}, {"x-goog-resource-state": "exists"}, {"x-goog-channel-id": ""}])
def test_what_is_no_notice_of_google_names_no_channel(headers: dict[str, str]) -> None:
    found = read_notice(Notice(headers, {}, b"\xff" * 10))
    assert (found.id, found.status, found.body) == (None, 204, b"")
