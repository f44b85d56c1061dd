"""From what a person enters to principal, homes and sign-in (dossier 1 and 2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calbridge.connectors.capabilities import Ability, Support
from calbridge.connectors.contract import Account, Owner
from calbridge.errors import AddressRefused, CalbridgeError, PermissionMissing, SignInRequired, Throttled, Unavailable
from calbridge_caldav.capabilities import capabilities_for
from calbridge_caldav.connector import CalDavConnector
from calbridge_caldav.discovery import candidates
from calbridge_caldav.hrefs import same_site
from tests.doubles.caldav import CalDavDouble
from tests.servers.reaching import transport

from .conftest import Link, Serve
from .support import account, no_records, single


def check(double: CalDavDouble, *, url: str | None = None, service: str = "caldav", password: str = "secret") -> Owner:
    given = account(url or double.url, service=service, password=password)
    with transport() as sending:
        return CalDavConnector(given, sending, locate=no_records).check()


def test_a_server_says_who_we_are(serve: Serve) -> None:
    double = serve()
    owner = check(double)
    assert owner.address == "alice@example.com"
    assert owner.own_addresses == {"alice@example.com", "/principals/alice@example.com/"}
    assert owner.id.endswith("/principals/alice@example.com/")
    assert owner.facts["homes"] == double.home_url
    assert "secret" not in repr(owner)


def test_an_address_that_is_no_mail_address_is_never_the_one_to_show(serve: Serve) -> None:
    double = serve(more_addresses=("urn:uuid:AB-12", "https://dav.example.com/p/a@b/", "MAILTO:Zoe@example.com"))
    given = replace(account(double.url), username="somebody else")
    double.quirks.login_required = False
    with transport() as sending:
        owner = CalDavConnector(given, sending, locate=no_records).check()
    assert owner.address == "alice@example.com"
    assert {"urn:uuid:ab-12", "https://dav.example.com/p/a@b/", "zoe@example.com"} < owner.own_addresses


@pytest.mark.parametrize("host", ["urn:uuid:AB-12", "/principals/alice@example.com/", "mailto:alice@example.com"])
def test_a_meeting_is_the_owners_by_each_address_the_server_told(serve: Serve, link: Link, host: str) -> None:
    double = serve(more_addresses=("urn:uuid:AB-12",))
    guests = ("ATTENDEE:mailto:bob@example.com", f"ATTENDEE;PARTSTAT=ACCEPTED:{host}")
    double.put_event("work", "m.ics", single("m", "Meeting", f"ORGANIZER;CN=Alice:{host}", *guests))
    shown = link(double).fetch_one("/calendars/alice@example.com/work/m.ics")
    assert shown.event is not None
    assert shown.event.organised_here


@pytest.mark.parametrize("how", ["relative", "absolute", "chain", "missing", "here"])
def test_every_way_of_the_well_known_address_ends_at_the_principal(serve: Serve, how: str) -> None:
    double = serve(well_known=how)
    assert check(double, url=double.url + ".well-known/caldav").address == "alice@example.com"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_keeps_method_and_body(serve: Serve, status: int) -> None:
    double = serve(principal_redirects=True, redirect_status=status)
    assert check(double).address == "alice@example.com"
    asked = [entry for entry in double.requests if entry.method not in ("OPTIONS",)]
    assert {entry.method for entry in asked} == {"PROPFIND"}
    assert all(entry.body for entry in asked)


def test_a_redirect_loop_is_no_endless_loop(serve: Serve) -> None:
    double = serve(well_known="loop")
    given = account(double.url + ".well-known/caldav")
    with transport() as sending:
        owner = CalDavConnector(given, sending, locate=no_records).check()
    assert owner.address == "alice@example.com"  # the bare host is the next candidate
    assert len(double.requests) < 12


def test_credentials_stay_with_their_site() -> None:
    assert same_site("https://caldav.icloud.com/", "https://p12-caldav.icloud.com:443/1/")
    assert same_site("https://dav.example.org/", "https://example.org/")
    assert not same_site("https://dav.example.org/", "https://dav.example.net/")
    assert not same_site("https://a.co.uk/", "https://b.co.uk/")
    assert not same_site("https://10.0.0.1/", "https://11.0.0.1/")
    assert not same_site("https://localhost/", "https://otherhost/")


def test_a_login_page_is_told_as_such(serve: Serve) -> None:
    double = serve(breakage="html")
    with pytest.raises(Unavailable) as raised:
        check(double)
    assert raised.value.code == "login_page"


@pytest.mark.parametrize("breakage", ["content_type", "entity_bomb", "external_entity", "empty", "not_xml", "deep"])
def test_an_answer_that_is_no_multistatus_is_no_calendar_server(serve: Serve, breakage: str) -> None:
    double = serve(breakage=breakage)
    if breakage == "content_type":
        assert check(double).address == "alice@example.com"
        return
    with pytest.raises(Unavailable) as raised:
        check(double)
    assert raised.value.code in {"not_a_calendar_server", "malformed_answer"}


def test_a_wrong_password_is_confirmed_by_a_second_try(serve: Serve) -> None:
    double = serve()
    with pytest.raises(SignInRequired) as raised:
        check(double, password="wrong")
    assert raised.value.confirmed
    assert len(double.requests) == 2
    assert "wrong" not in str(raised.value)


def test_one_false_refusal_is_survived(serve: Serve) -> None:
    double = serve(false_401_times=1)
    assert check(double).address == "alice@example.com"


def test_icloud_refusals_are_never_confirmed_and_name_the_app_password(serve: Serve) -> None:
    double = serve(rejects_login=True, icloud_challenge=True)
    with pytest.raises(SignInRequired) as raised:
        check(double, service="icloud")
    assert not raised.value.confirmed
    assert raised.value.code == "app_password_required"
    assert len(double.requests) == 1


def test_an_unauthenticated_principal_is_a_failed_login(serve: Serve) -> None:
    double = serve(unauthenticated_principal=True)
    with pytest.raises(SignInRequired) as raised:
        check(double)
    assert not raised.value.confirmed


def test_403_is_a_permission_and_no_failed_login(serve: Serve) -> None:
    double = serve(forbids_everything=True)
    with pytest.raises(PermissionMissing):
        check(double)


@pytest.mark.parametrize(
    ("given", "forbidden"), [("", "/"), (".well-known/caldav", "/.well-known/caldav"), ("old/", "/old/")]
)
def test_an_address_that_is_forbidden_hides_no_calendar_server(serve: Serve, given: str, forbidden: str) -> None:
    double = serve(well_known="here", forbidden_paths=frozenset({forbidden}))
    assert check(double, url=double.url + given).address == "alice@example.com"


def test_a_forbidden_address_is_told_where_no_other_works(serve: Serve) -> None:
    double = serve(well_known="missing", forbidden_paths=frozenset({"/"}))
    with pytest.raises(PermissionMissing):
        check(double)


def test_a_server_without_login_works(serve: Serve) -> None:
    assert check(serve(login_required=False)).address == "alice@example.com"


@pytest.mark.parametrize(
    ("status", "wait", "error"), [(429, "7", Throttled), (503, "7", Throttled), (503, None, Unavailable)]
)
def test_throttling_carries_its_wait(serve: Serve, status: int, wait: str | None, error: type[CalbridgeError]) -> None:
    double = serve(throttle_times=9, throttle_status=status, retry_after=wait)
    with pytest.raises(error) as raised:
        check(double)
    if isinstance(raised.value, Throttled):
        assert raised.value.retry_after == 7


def test_a_principal_without_resourcetype_is_accepted_and_never_asked_deeply(serve: Serve) -> None:
    double = serve(principal_without_resourcetype=True, principal_refuses_depth_one=True)
    assert check(double).address == "alice@example.com"


def test_icloud_partitions_are_found_and_spoken_to(serve: Serve, link: Link) -> None:
    double = serve(partition=True, hrefs_name_first_host=True)
    phone = link(double, service="icloud")
    assert [calendar.id for calendar in phone.connector.calendars()] == ["/calendars/alice@example.com/work/"]
    double.put_event("work", "a.ics", b"x")
    entries, page = phone.listing()
    assert [entry.remote_id for entry in entries] == ["/calendars/alice@example.com/work/a.ics"]
    assert page.full
    assert {entry.host for entry in double.requests} == {"partition"}
    assert phone.owner.id.startswith("icloud:/")


def test_icloud_is_reached_without_discovery() -> None:
    def never(domain: str) -> list[str]:
        raise AssertionError(domain)

    assert list(candidates(Account("icloud", None, "a@icloud.com", "x"), never)) == ["https://caldav.icloud.com/"]
    assert list(candidates(Account("caldav", "bob@me.com", "bob@me.com", "x"), never)) == ["https://caldav.icloud.com/"]


def test_candidates_go_from_the_given_url_over_srv_to_well_known() -> None:
    def records(domain: str) -> list[str]:
        return [f"https://dav.{domain}:8443/cal", "https://elsewhere.net/"]

    asked = account("https://example.org/dav/")
    assert list(candidates(asked, records)) == [
        "https://example.org/dav/",
        "https://dav.example.org:8443/cal",
        "https://example.org/.well-known/caldav",
        "https://example.org/",
    ]
    assert next(candidates(account("alice@example.org"), records)) == "https://dav.example.org:8443/cal"
    assert next(iter(candidates(account("example.org"), no_records))) == "https://example.org/.well-known/caldav"


def test_a_foreign_host_gets_no_credentials(serve: Serve) -> None:
    names = {"main": "dav.example.com", "other": "dav.example.net"}
    double = serve(well_known="cross_host", host_names=names)
    with transport() as sending:
        connector = CalDavConnector(account(double.url + ".well-known/caldav"), sending, locate=no_records)
        assert connector.check().address == "alice@example.com"
    visited = [entry for entry in double.requests if entry.host == "other"]
    assert visited
    assert all("authorization" not in entry.headers for entry in visited)


def test_a_home_on_a_foreign_host_is_refused(serve: Serve) -> None:
    names = {"main": "dav.example.com", "partition": "dav.example.net"}
    double = serve(partition=True, host_names=names)
    with pytest.raises(AddressRefused) as raised:
        check(double)
    assert raised.value.code == "redirect_refused"
    assert {entry.host for entry in double.requests} == {"main"}


def test_tls_is_verified(serve: Serve) -> None:
    double = serve(tls=True, host_names={"main": "dav.example.com"})
    with transport(ca_file=str(double.ca_file)) as sending:
        assert CalDavConnector(account(double.url), sending, locate=no_records).check().address == "alice@example.com"
    with transport() as sending, pytest.raises(Unavailable) as raised:
        CalDavConnector(account(double.url), sending, locate=no_records).check()
    assert raised.value.code == "tls_failed"


def test_split_dav_headers_are_read_as_one(serve: Serve) -> None:
    for auto, silent in ((True, Support.NONE), (False, Support.FULL)):
        owner = check(serve(split_dav_header=True, auto_schedule=auto))
        assert capabilities_for("caldav", owner.facts).levels[Ability.SILENT_UPDATE] is silent


def test_without_a_check_nothing_is_promised_about_mail() -> None:
    assert not capabilities_for("caldav", {}).has(Ability.SILENT_UPDATE)


def test_a_connector_without_facts_discovers_by_itself(serve: Serve, link: Link) -> None:
    assert link(serve(), checked=False).listing()[1].full


def test_an_unreachable_host_has_its_code() -> None:
    with transport() as sending, pytest.raises(Unavailable) as raised:
        CalDavConnector(account("http://127.0.0.1:1/"), sending, locate=no_records).check()
    assert raised.value.code == "host_unreachable"


def test_a_private_address_is_refused_by_the_guard() -> None:
    with transport() as sending, pytest.raises(AddressRefused) as raised:
        CalDavConnector(account("https://10.1.2.3/"), sending, locate=no_records).check()
    assert raised.value.code == "private_network_needed"


def test_facts_hold_no_secret(serve: Serve) -> None:
    owner = check(serve())
    assert set(owner.facts) == {"homes", "auth", "scheduling"}
    assert replace(account("x"), facts=owner.facts).facts["auth"] == "basic"
