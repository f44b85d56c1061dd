"""Signing in, access tokens and the end of a grant (dossier 1)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from calbridge.connectors.contract import Account, Done, Seen, SigningIn
from calbridge.connectors.transport import Transport
from calbridge.errors import PermissionMissing, SignInRequired, Throttled, Unavailable
from calbridge_google.connector import GoogleConnector
from calbridge_google.limits import SCOPE_WORDS
from calbridge_google.tokens import grant_of
from tests.doubles.google import ApiError, GoogleDouble
from tests.servers.reaching import transport

from .conftest import Link, Serve
from .support import account, meeting, settings, single

CALLBACK = "https://calbridge.example.com/v1/oauth/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
LISTS = "https://www.googleapis.com/auth/calendar.calendarlist.readonly"


@pytest.fixture
def sending() -> Iterator[Transport]:
    with transport() as found:
        yield found


def unsigned(google: GoogleDouble, sending: Transport, **facts: Any) -> GoogleConnector:
    """A connector before anybody signed in."""
    return GoogleConnector(replace(Account("google", None, "", "", settings=settings(google)), **facts), sending)


def consented(google: GoogleDouble, connector: GoogleConnector, **acts: Any) -> dict[str, str]:
    """What the browser brings back."""
    url = connector.authorize_url(CALLBACK, "state-1", CHALLENGE, login_hint=google.user)
    back = parse_qs(urlsplit(google.sign_in(url, **acts)).query)
    return {name: values[0] for name, values in back.items()}


def test_a_whole_sign_in_ends_in_a_grant_that_works(serve: Serve, sending: Transport) -> None:
    google = serve()
    connector = unsigned(google, sending)
    assert isinstance(connector, SigningIn)
    back = consented(google, connector)
    assert back["state"] == "state-1"
    secret = connector.exchange(back["code"], CALLBACK, VERIFIER)
    kept: list[str] = []
    signed = unsigned(google, sending, secret=secret, keep_secret=kept.append)
    owner = signed.check()
    assert (owner.id, owner.address, owner.own_addresses) == (google.sub, google.user, {google.user})
    assert kept == []
    assert google.count("token") == 1


def test_the_consent_page_is_asked_for_what_two_way_sync_needs(serve: Serve, sending: Transport) -> None:
    google = serve()
    query = parse_qs(urlsplit(unsigned(google, sending).authorize_url(CALLBACK, "s", CHALLENGE)).query)
    assert query["scope"] == [
        f"https://www.googleapis.com/auth/calendar.events {LISTS} openid email",
    ]
    assert (query["access_type"], query["prompt"], query["code_challenge_method"]) == (
        ["offline"],
        ["consent"],
        ["S256"],
    )
    assert "login_hint" not in query
    assert google.requests == []


@pytest.mark.parametrize("missing", ["client_id", "client_secret"])
def test_without_a_whole_client_nobody_is_sent_anywhere(serve: Serve, sending: Transport, missing: str) -> None:
    google = serve()
    connector = unsigned(google, sending, settings={**settings(google), missing: ""})
    for act in (
        lambda: connector.authorize_url(CALLBACK, "s", CHALLENGE),
        lambda: connector.exchange("code", CALLBACK, VERIFIER),
    ):
        with pytest.raises(PermissionMissing) as raised:
            act()
        assert raised.value.code == "app_not_registered"
    assert google.requests == []


@pytest.mark.parametrize("wrong", ["code", "verifier", "twice", "late"])
def test_a_code_that_is_no_good_is_told_without_a_word_on_the_stored_grant(
    serve: Serve, sending: Transport, wrong: str
) -> None:
    google = serve()
    connector = unsigned(google, sending)
    code = consented(google, connector)["code"]
    if wrong == "twice":
        connector.exchange(code, CALLBACK, VERIFIER)
    if wrong == "late":
        google.advance(timedelta(minutes=11))
    with pytest.raises(SignInRequired) as raised:
        connector.exchange("x" if wrong == "code" else code, CALLBACK, "other" if wrong == "verifier" else VERIFIER)
    assert not raised.value.confirmed


@pytest.mark.parametrize("unticked", ["https://www.googleapis.com/auth/calendar.events", LISTS, "openid"])
def test_unticked_permissions_are_told(serve: Serve, sending: Transport, unticked: str) -> None:
    google = serve()
    connector = unsigned(google, sending)
    code = consented(google, connector, untick=[unticked])["code"]
    with pytest.raises(PermissionMissing) as raised:
        connector.exchange(code, CALLBACK, VERIFIER)
    assert raised.value.code == "consent_incomplete"
    assert raised.value.facts["missing"] == [SCOPE_WORDS[unticked]]


@pytest.mark.parametrize(
    "more",
    [
        ["https://www.googleapis.com/auth/drive.file", "https://www.googleapis.com/auth/calendar.readonly"],
        ["https://www.googleapis.com/auth/calendar"],
    ],
)
def test_scopes_granted_beyond_those_asked_for_disturb_nobody(
    serve: Serve, sending: Transport, more: list[str]
) -> None:
    """What was granted before comes back too, in any order, and ``email`` by its long name."""
    google = serve()
    connector = unsigned(google, sending)
    url = connector.authorize_url(CALLBACK, "s", CHALLENGE)
    asked = parse_qs(urlsplit(url).query)["scope"][0]
    kept = ["openid"] if len(more) == 1 else asked.split()[::-1]
    url = url.replace(urlencode({"scope": asked}), urlencode({"scope": " ".join([*more, *kept])}))
    code = parse_qs(urlsplit(google.sign_in(url)).query)["code"][0]
    secret = connector.exchange(code, CALLBACK, VERIFIER)
    assert set(more) <= set(grant_of(secret).scopes)
    assert unsigned(google, sending, secret=secret).check().id == google.sub


def test_a_reconnect_without_a_new_lasting_token_keeps_the_old_one(serve: Serve, sending: Transport) -> None:
    google = serve()
    first = unsigned(google, sending)
    secret = first.exchange(consented(google, first)["code"], CALLBACK, VERIFIER)
    google.quirks.refresh_token_withheld = True
    again = unsigned(google, sending, secret=secret, facts={"sub": google.sub})
    code = consented(google, again)["code"]
    renewed = again.exchange(code, CALLBACK, VERIFIER)
    assert grant_of(renewed).refresh_token == grant_of(secret).refresh_token
    assert grant_of(renewed).access_token != grant_of(secret).access_token


def test_the_old_token_of_somebody_else_is_never_kept(serve: Serve, sending: Transport) -> None:
    google = serve()
    first = unsigned(google, sending)
    secret = first.exchange(consented(google, first)["code"], CALLBACK, VERIFIER)
    google.quirks.refresh_token_withheld = True
    for facts in ({"sub": "another"}, {}):
        again = unsigned(google, sending, secret=secret, facts=facts)
        code = consented(google, again)["code"]
        with pytest.raises(PermissionMissing):
            again.exchange(code, CALLBACK, VERIFIER)


def test_a_renewed_token_is_handed_back_and_used_by_the_next_connector(serve: Serve, sending: Transport) -> None:
    google = serve()
    kept: list[str] = []
    first = GoogleConnector(replace(account(google), keep_secret=kept.append), sending)
    first.calendars()
    first.calendars()
    assert len(kept) == 1
    second = GoogleConnector(account(google, kept[0]), sending)
    second.calendars()
    assert google.count("token") == 1


def test_a_token_is_renewed_before_it_ends(serve: Serve, sending: Transport) -> None:
    google = serve(access_seconds=200)
    connector = GoogleConnector(account(google), sending)
    connector.calendars()
    connector.calendars()
    assert google.count("token") == 2


def test_a_refused_access_token_is_renewed_once_and_the_call_repeated(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    google.insert(single())
    google.kill_access_tokens()
    entries, _ = client.listing()
    assert len(entries) == 1
    assert [entry.operation for entry in google.requests] == ["events.list", "token", "events.list"]


def test_a_token_that_is_refused_within_a_batch_is_renewed_once(serve: Serve, link: Link) -> None:
    google = serve()
    names = [google.insert(single(f"Visit {number}")) for number in range(3)]
    client = link(google)
    google.kill_access_tokens()
    assert all(isinstance(row, Seen) for row in client.fetch(*names).values())
    assert [entry.operation for entry in google.requests] == ["batch", "token", "batch"]
    google.kill_access_tokens()
    google.clear()
    results = client.connector.write(client.calendar, [client.creation(f"key-{n}", meeting()) for n in range(2)])
    assert all(isinstance(result, Done) for result in results)
    assert [entry.operation for entry in google.requests] == ["batch", "token", "batch"]


def test_a_token_that_is_refused_again_is_no_proof(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    google.fail("events.list", ApiError(401, "authError"), times=2)
    with pytest.raises(SignInRequired) as raised:
        client.listing()
    assert not raised.value.confirmed


def test_a_revoked_grant_is_certain(serve: Serve, sending: Transport) -> None:
    google = serve()
    connector = GoogleConnector(account(google), sending)
    google.revoke()
    for act in (connector.refresh, connector.check, connector.calendars):
        with pytest.raises(SignInRequired) as raised:
            act()
        assert (raised.value.confirmed, raised.value.code) == (True, "grant_ended")


def test_in_testing_state_a_grant_dies_after_seven_days(serve: Serve, sending: Transport) -> None:
    google = serve(testing_state=True)
    connector = GoogleConnector(account(google), sending)
    connector.refresh()
    google.advance(timedelta(days=7, minutes=1))
    with pytest.raises(SignInRequired) as raised:
        connector.refresh()
    assert raised.value.confirmed


@pytest.mark.parametrize("trouble", ["500", "503", "429", "reply", "request"])
def test_trouble_at_the_token_endpoint_says_nothing_of_the_grant(
    serve: Serve, sending: Transport, trouble: str
) -> None:
    google = serve()
    connector = GoogleConnector(account(google), sending)
    if trouble.isdigit():
        google.fail("token", ApiError(int(trouble), "backendError", headers={"Retry-After": "9"}))
    else:
        getattr(google, f"lose_{trouble}")("token")
    with pytest.raises((Unavailable, Throttled)):
        connector.refresh()
    assert google.count("token") == 1
    assert grant_of(connector.refresh()).access_token


def test_a_client_that_google_does_not_know_is_the_operators_business(serve: Serve, sending: Transport) -> None:
    google = serve()
    given = replace(account(google), settings={**settings(google), "client_secret": "old"})
    with pytest.raises(PermissionMissing) as raised:
        GoogleConnector(given, sending).refresh()
    assert raised.value.code == "app_not_registered"


def test_a_code_for_another_return_address_is_the_operators_business(serve: Serve, sending: Transport) -> None:
    google = serve()
    connector = unsigned(google, sending)
    code = consented(google, connector)["code"]
    with pytest.raises(PermissionMissing) as raised:
        connector.exchange(code, "https://moved.example.com/v1/oauth/callback", VERIFIER)
    assert raised.value.code == "app_not_registered"


def test_a_secret_that_is_no_grant_asks_to_sign_in(serve: Serve, sending: Transport) -> None:
    google = serve()
    for secret in ("password", "{}", '{"refresh_token": 7}', "[]"):
        with pytest.raises(SignInRequired):
            GoogleConnector(account(google, secret), sending).calendars()
    assert google.requests == []


def test_another_refresh_token_takes_the_place_of_the_first(serve: Serve, sending: Transport) -> None:
    google = serve(refresh_rotates=True)
    given = account(google)
    renewed = GoogleConnector(given, sending).refresh()
    assert grant_of(renewed).refresh_token != grant_of(given.secret).refresh_token


def test_revoking_ends_the_grant_and_can_be_repeated(serve: Serve, sending: Transport) -> None:
    google = serve()
    connector = GoogleConnector(account(google), sending)
    connector.revoke()
    connector.revoke()
    with pytest.raises(SignInRequired):
        connector.refresh()


def test_no_secret_is_told_by_a_repr_or_an_error(serve: Serve, sending: Transport) -> None:
    google = serve()
    given = account(google)
    google.revoke()
    with pytest.raises(SignInRequired) as raised:
        GoogleConnector(given, sending).refresh()
    token = grant_of(given.secret).refresh_token
    told = repr(given) + repr(grant_of(given.secret)) + str(raised.value) + repr(raised.value.facts)
    assert token not in told
    assert google.client.secret not in told
