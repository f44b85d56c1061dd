"""Connecting a calendar at the service's own page, as a person and a PSA live it: real HTTP, TLS, cookies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from calbridge_google.tokens import grant_of
from tests.doubles.google import ApiError
from tests.e2e.databases import postgresql

from .browser import Shown
from .conftest import ALICE, ALLOW, BACK, COMPANY, DENY, NO, TENANT, YES, Opens, World, meeting

EVE = "eve@elsewhere.example"


@pytest.fixture(params=["sqlite", "postgresql"])
def any_world(request: pytest.FixtureRequest, open_world: Opens) -> Iterator[World]:
    """An installation on either database."""
    if request.param == "sqlite":
        yield open_world()
        return
    with postgresql() as url:
        found = open_world(url)
        yield found
        found.stack.close()


def failed(shown: Shown, status: int, code: str) -> None:
    """It is a page for people that names the code."""
    assert (shown.status, shown.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert f"Code: {code}" in shown.words
    assert "Not connected" in shown.words


def test_a_user_connects_a_calendar_and_the_first_run_follows(any_world: World) -> None:
    world = any_world
    world.google.insert(meeting("Lunch"))
    integration = world.add()

    page = world.browser.open(world.address(integration, return_to=BACK))

    assert page.status == 200
    for told in ("Alice Anders (alice@acme.example)", COMPANY, "Google Calendar"):
        assert told in page.words
    question = world.browser.submit(world.browser.follow(page), ALLOW)
    for told in (world.google.user, "Alice Anders (alice@acme.example)", COMPANY, "Google Calendar"):
        assert told in question.words
    assert "code=" not in question.url
    assert world.show(integration)["account"] is None
    assert world.state_of(integration) == ("setup", None)

    end = world.browser.submit(question, YES)

    assert (end.left, end.url) == (True, BACK)
    assert world.show(integration)["account"] == {
        "url": None,
        "username": world.google.user,
        "owner_address": world.google.user,
    }
    calendars = world.call("GET", f"/v1/integrations/{integration}/calendars").json()["data"]
    assert [(each["id"], each["primary"]) for each in calendars] == [(world.google.user, True)]
    choice = {"calendar_id": world.google.user, "active": True, "settings": {"ranges": {"retrieve": {}}}}
    assert world.call("PATCH", f"/v1/integrations/{integration}", choice).json()["status"] == "connected"
    assert integration in world.told.due_ids
    assert world.tick().failed == 0
    assert world.titles() == ["Lunch"]
    assert world.google.breaches == []


def test_a_token_of_the_user_may_begin_and_nobody_elses(world: World) -> None:
    integration = world.add()
    path = f"/v1/integrations/{integration}/authorization"
    assert world.call("POST", path, {}, key=world.token()).status_code == 200
    assert world.call("POST", path, {}, key=world.token("bob")).json()["code"] == "integration_not_found"


def test_without_a_return_address_a_small_page_says_that_it_is_done(world: World) -> None:
    integration = world.add()
    end = world.connect(integration)
    assert end.status == 200
    assert "You may close this page" in end.words
    assert not [each.name for each in world.browser.session.cookies if each.name.startswith("__Host-")]


def test_a_state_leads_on_once(world: World) -> None:
    integration = world.add()
    question = world.asked(integration)
    (back, _) = question.way[-2:]
    callback = back.headers["Location"]
    assert "code=" in callback

    failed(world.browser.open(callback), 410, "sign_in_expired")

    again = world.browser.open(question.url)
    failed(world.browser.submit(question, YES), 410, "sign_in_expired")
    assert world.show(integration)["account"] is None
    assert "Connected" in world.browser.submit(again, YES).words
    failed(world.browser.submit(again, YES), 410, "sign_in_expired")
    failed(world.browser.open(callback), 410, "sign_in_expired")
    assert world.google.count("token") == 1


def test_another_browser_gets_nowhere_and_spoils_nothing(world: World) -> None:
    integration = world.add()
    consent = world.consent_page(integration)
    stranger = world.new_browser()

    failed(stranger.submit(consent, ALLOW), 403, "sign_in_elsewhere")

    assert world.google.count("token") == 0
    question = world.browser.submit(consent, ALLOW)
    failed(stranger.open(question.url), 403, "sign_in_elsewhere")
    failed(stranger.submit(question, YES), 403, "sign_in_elsewhere")
    failed(stranger.submit(question, NO), 403, "sign_in_elsewhere")
    assert "Connected" in world.browser.submit(question, YES).words


def test_the_browser_that_opened_the_page_last_goes_on(world: World) -> None:
    address = world.address(world.add())
    first = world.browser.follow(world.browser.open(address))
    other = world.new_browser()
    second = other.follow(other.open(address))
    failed(world.browser.submit(first, ALLOW), 403, "sign_in_elsewhere")
    assert "Connect this account?" in other.submit(second, ALLOW).words


def test_two_sign_ins_in_one_browser_do_not_disturb_each_other(world: World) -> None:
    first, second = world.add(), world.add("bob")
    one, two = world.consent_page(first), world.consent_page(second)
    assert "Alice" in world.browser.submit(world.browser.submit(one, ALLOW), YES).words
    assert "Bob" in world.browser.submit(world.browser.submit(two, ALLOW), YES).words


def test_ten_minutes_later_everything_has_to_be_begun_anew(world: World) -> None:
    integration = world.add()
    address, consent = world.address(integration), world.consent_page(integration)
    world.clock.advance(minutes=10, seconds=1)
    failed(world.browser.open(address), 410, "sign_in_expired")
    failed(world.browser.submit(consent, ALLOW), 410, "sign_in_expired")
    question = world.asked(integration)
    world.clock.advance(minutes=10, seconds=1)
    failed(world.browser.submit(question, YES), 410, "sign_in_expired")
    assert world.show(integration)["account"] is None


def test_a_consent_that_is_denied_is_told_and_the_integration_shows_it(world: World) -> None:
    integration = world.add()
    consent = world.consent_page(integration, return_to=BACK)
    end = world.browser.submit(consent, DENY)
    failed(end, 403, "sign_in_denied")
    assert end.links == [BACK]
    assert world.state_of(integration) == ("setup", "sign_in_denied")
    assert world.google.count("token") == 0
    assert "Connected" in world.connect(integration).words
    assert world.state_of(integration) == ("setup", None)


def test_a_box_that_was_unticked_is_named(world: World) -> None:
    integration = world.add()
    consent = world.consent_page(integration)
    end = world.browser.submit(consent, ALLOW, untick=["https://www.googleapis.com/auth/calendar.events"])
    failed(end, 409, "consent_incomplete")
    assert "This was left out: View and edit events on all your calendars" in end.words
    assert world.state_of(integration) == ("setup", "consent_incomplete")
    assert world.show(integration)["account"] is None


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        ("temporarily_unavailable", 502, "unavailable"),
        ("unauthorized_client", 409, "app_not_registered"),
        ("<script>alert(1)</script>", 409, "app_not_registered"),
    ],
)
def test_other_errors_of_the_services_page_are_told(world: World, error: str, status: int, code: str) -> None:
    integration = world.add()
    address = world.address(integration)
    world.browser.open(address)
    state = address.partition("?state=")[2]
    end = world.browser.open(f"{world.url}/v1/oauth/callback?state={state}&error={error}")
    failed(end, status, code)
    assert "<script" not in end.text
    assert world.state_of(integration) == ("setup", code)


@pytest.mark.parametrize("trouble", ["token", "userinfo"])
def test_a_service_that_fails_in_between_is_told_and_stores_nothing(world: World, trouble: str) -> None:
    integration = world.add()
    consent = world.consent_page(integration)
    world.google.fail(trouble, ApiError(500, "backendError"), times=9)
    failed(world.browser.submit(consent, ALLOW), 502, "unavailable")
    assert world.state_of(integration) == ("setup", "unavailable")
    world.google.heal()
    assert "Connected" in world.connect(integration).words


def test_who_says_no_gives_nothing_away(world: World) -> None:
    integration = world.add()
    failed(world.browser.submit(world.asked(integration), NO), 403, "sign_in_denied")
    assert world.show(integration)["account"] is None
    assert world.google.living_grants == [world.google.user]
    world.tick()
    assert world.google.living_grants == []


def test_a_question_that_nobody_answers_gives_nothing_away(world: World) -> None:
    world.asked(world.add())
    world.tick()
    world.tick()
    assert world.google.living_grants == []


def test_a_grant_that_ended_is_told_and_signing_in_again_goes_on_with_all_links(any_world: World) -> None:
    world = any_world
    integration = world.linked()
    links = world.links(integration)
    world.google.revoke()
    world.google.insert(meeting("Meanwhile"))
    world.google.kill_access_tokens()
    assert world.tick().failed == 1
    assert world.state_of(integration) == ("not_connected", "grant_ended")
    page = world.browser.open(world.address(integration))
    assert f"Until now {world.google.user} is connected" in page.words
    world.told.due_ids.clear()

    world.browser.submit(world.browser.submit(world.browser.follow(page), ALLOW), YES)

    assert world.state_of(integration) == ("connected", None)
    assert world.told.due_ids == [integration]
    assert world.links(integration) == links
    assert world.tick().succeeded == 1
    assert world.titles() == ["Lunch", "Meanwhile", "Visit"]


def test_a_reconnect_that_brings_no_lasting_token_keeps_the_stored_one_and_all_links(world: World) -> None:
    integration = world.linked()
    links, before = world.links(integration), grant_of(world.secret(integration) or "")
    world.google.quirks.refresh_token_withheld = True

    assert "Connected" in world.connect(integration).words

    after = grant_of(world.secret(integration) or "")
    assert after.refresh_token == before.refresh_token
    assert after.access_token != before.access_token
    assert world.state_of(integration) == ("connected", None)
    assert world.links(integration) == links
    world.google.kill_access_tokens()
    assert world.tick().succeeded == 1


def test_a_dead_lasting_token_is_not_kept(world: World) -> None:
    integration = world.linked()
    world.google.revoke()
    world.google.kill_access_tokens()
    world.tick()
    world.google.quirks.refresh_token_withheld = True
    world.google.quirks.refresh_token_only_first = True
    world.browser.submit(world.consent_page(world.add("bob")), ALLOW)
    failed(world.browser.submit(world.consent_page(integration), ALLOW), 409, "consent_incomplete")
    assert world.state_of(integration) == ("not_connected", "consent_incomplete")


def test_the_account_of_somebody_else_is_refused_and_nothing_of_it_stays(world: World) -> None:
    integration = world.linked()
    links, before = world.links(integration), world.secret(integration)
    world.google.add_user(EVE, "999")

    failed(world.browser.submit(world.consent_page(integration), ALLOW, account=EVE), 422, "another_account")

    assert world.state_of(integration) == ("connected", None)
    assert (world.links(integration), world.secret(integration)) == (links, before)
    assert world.google.living_grants == [world.google.user, EVE]
    assert world.tick().succeeded == 1
    assert world.google.living_grants == [world.google.user]


def test_the_same_person_with_another_address_is_nobody_else(world: World) -> None:
    integration = world.linked()
    links = world.links(integration)
    world.google.add_user("alice.married@example.com", world.google.sub)

    question = world.asked(integration, account="alice.married@example.com")
    assert "alice.married@example.com" in world.browser.submit(question, YES).words

    assert world.state_of(integration) == ("connected", None)
    assert world.show(integration)["account"]["owner_address"] == "alice.married@example.com"
    assert world.links(integration) == links
    assert world.tick().failed == 0
    assert world.titles() == world.event_titles()


def test_the_account_of_somebody_else_is_taken_on_purpose_and_nothing_is_deleted(any_world: World) -> None:
    world = any_world
    integration = world.linked()
    world.google.add_user(EVE, "999")
    question = world.asked(integration, account=EVE, relink=True)
    assert f"Until now {world.google.user} is connected. Its calendar will not be linked any more." in question.words

    assert EVE in world.browser.submit(question, YES).words

    shown = world.show(integration)
    assert (shown["status"], shown["active"], shown["calendar"]) == ("setup", False, None)
    assert shown["account"]["owner_address"] == EVE
    assert {state for _, state, _ in world.links(integration)} == {"closed"}
    assert world.titles() == world.event_titles() == ["Lunch", "Visit"]
    world.tick()
    assert world.google.living_grants == [EVE]
    choice = {"calendar_id": world.google.user, "active": True}
    assert world.call("PATCH", f"/v1/integrations/{integration}", choice).status_code == 200
    assert world.tick().failed == 0
    assert world.titles() == world.event_titles() == ["Lunch", "Visit"]


def test_while_a_run_is_at_work_an_account_of_somebody_else_waits(world: World) -> None:
    from calbridge.store.leases import Leases

    integration = world.linked()
    world.google.add_user(EVE, "999")
    question = world.asked(integration, account=EVE, relink=True)
    lease = Leases(world.parts.database).acquire(TENANT, integration, "a run", 60)
    assert lease is not None
    failed(world.browser.submit(question, YES), 409, "integration_running")
    assert {state for _, state, _ in world.links(integration)} == {"synced"}
    Leases(world.parts.database).release(lease)
    assert EVE in world.browser.submit(question, YES).words


def test_a_person_with_two_integrations_has_one_account(world: World) -> None:
    first, second = world.add(), world.add()
    world.connect(first)
    world.connect(second)
    with world.parts.database.read(TENANT) as work:
        assert len(work.accounts.list(ALICE)) == 1
        ids = {work.integrations.require(each).account_id for each in (first, second)}
    assert len(ids) == 1


@pytest.mark.parametrize("trouble", ["500", "503", "reply", "request"])
def test_trouble_while_renewing_the_access_cuts_nothing_off(world: World, trouble: str) -> None:
    integration = world.linked()
    world.google.kill_access_tokens()
    if trouble.isdigit():
        world.google.fail("token", ApiError(int(trouble), "backendError"), times=9)
    else:
        getattr(world.google, f"lose_{trouble}")("token", times=9)
    assert world.tick().failed == 1
    assert world.state_of(integration) == ("connected", "unavailable" if trouble.isdigit() else "host_unreachable")
    world.google.heal()
    assert world.tick().succeeded == 1
    assert world.state_of(integration) == ("connected", None)
