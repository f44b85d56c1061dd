"""What is refused before anybody is sent anywhere, and what pages never show, keep or tell."""

from __future__ import annotations

import io
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from calbridge.cli.main import main
from calbridge.service import doctor
from calbridge.service.views_installation import Finding
from calbridge_google.tokens import grant_of
from tests.integration.service.world import KEY

from .browser import Shown
from .conftest import ALICE, ALLOW, BACK, DENY, PSA, TENANT, YES, Opens, World


def refused(world: World, **body: object) -> tuple[int, str, str | None]:
    answer = world.call("POST", f"/v1/integrations/{world.add()}/authorization", body)
    return answer.status_code, answer.json()["code"], answer.json().get("field")


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("https://evil.example.com/", "return_not_allowed"),
        (f"{PSA}.evil.example.com/", "return_not_allowed"),
        ("https://psa.example.com:444/", "return_not_allowed"),
        ("http://psa.example.com/", "return_not_allowed"),
        ("https://psa.example.com@evil.example.com/", "return_not_allowed"),
        ("https://psa.example.com\\@evil.example.com/", "return_not_allowed"),
        ("https://evil.example.com\\@psa.example.com/", "return_not_allowed"),
        (f"{PSA}/a b", "return_not_allowed"),
        ("//psa.example.com/", "invalid_value"),
        ("/calendar", "invalid_value"),
        ("javascript:alert(1)", "invalid_value"),
        ("https://psa.example.com/\r\nSet-Cookie: a=b", "invalid_value"),
        ("https://[psa/", "invalid_value"),
    ],
)
def test_nobody_is_sent_to_a_foreign_place(world: World, address: str, code: str) -> None:
    assert refused(world, return_to=address) == (422, code, "return_to")


def test_an_origin_that_the_operator_allows_is_good_for_all(open_world: Opens) -> None:
    world = open_world(ALLOWED_ORIGINS="https://portal.example.com")
    end = world.connect(world.add(), return_to="https://portal.example.com/done")
    assert (end.left, end.url) == (True, "https://portal.example.com/done")


def test_without_a_public_address_the_operator_is_told_what_to_set(open_world: Opens) -> None:
    world = open_world(PUBLIC_URL="")
    assert refused(world)[:2] == (409, "public_url_missing")
    answer = world.call("POST", f"/v1/integrations/{world.add()}/authorization", {})
    assert "PUBLIC_URL" in answer.json()["remedy"]


def test_a_public_address_that_is_not_safe_is_refused(open_world: Opens) -> None:
    assert refused(open_world(PUBLIC_URL="http://calbridge.example.com"))[:2] == (409, "public_url_insecure")


def test_without_a_registration_the_operator_is_told(world: World) -> None:
    object.__setattr__(world.parts, "connector_settings", {})
    assert refused(world)[:2] == (409, "app_not_registered")


def test_a_service_that_is_not_allowed_is_not_signed_in_to(world: World) -> None:
    from calbridge.service.tenant_settings import change_settings

    integration = world.add()
    change_settings(world.parts, TENANT, {"services_allowed": ["caldav"]})
    answer = world.call("POST", f"/v1/integrations/{integration}/authorization", {})
    assert (answer.status_code, answer.json()["code"]) == (403, "service_not_allowed")


def test_each_service_has_its_own_way_to_sign_in(world: World) -> None:
    password = {"username": ALICE, "password": "secret"}
    answer = world.call("PUT", f"/v1/integrations/{world.add()}/account", password)
    assert (answer.status_code, answer.json()["code"]) == (409, "sign_in_page_needed")
    made = {"user_id": ALICE, "service": "google", "account": password}
    assert world.call("POST", "/v1/integrations", made).json()["code"] == "sign_in_page_needed"
    caldav = world.call("POST", "/v1/integrations", {"user_id": ALICE, "service": "icloud"}).json()["id"]
    answer = world.call("POST", f"/v1/integrations/{caldav}/authorization", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "password_needed")


def test_an_integration_that_was_deleted_ends_its_sign_ins(world: World) -> None:
    integration = world.add()
    question = world.asked(integration)
    assert world.call("DELETE", f"/v1/integrations/{integration}").status_code == 204
    assert "sign_in_expired" in world.browser.submit(question, YES).words


def pages(world: World) -> dict[str, Shown]:
    """Every page of the story."""
    integration = world.add()
    first = world.browser.open(world.address(integration, return_to=BACK))
    question = world.browser.submit(world.browser.follow(first), ALLOW)
    other = world.add("bob")
    denied = world.browser.submit(world.consent_page(other), DENY)
    return {"first": first, "question": question, "denied": denied, "connected": world.connect(other)}


def test_a_page_is_kept_by_nobody_framed_by_nobody_and_runs_nothing(world: World) -> None:
    for name, shown in pages(world).items():
        assert shown.headers["Referrer-Policy"] == "no-referrer", name
        assert shown.headers["Cache-Control"] == "no-store"
        assert shown.headers["X-Frame-Options"] == "DENY"
        assert shown.headers["X-Content-Type-Options"] == "nosniff"
        policy = dict(each.strip().split(" ", 1) for each in shown.headers["Content-Security-Policy"].split(";"))
        assert (policy["default-src"], policy["frame-ancestors"], policy["base-uri"]) == ("'none'", "'none'", "'none'")
        assert policy["form-action"] == ("'self' https://psa.example.com" if name == "question" else "'self'")
        (nonce,) = re.findall(r'<style nonce="([^"]+)">', shown.text)
        assert policy["style-src"] == f"'nonce-{nonce}'"
        for step in shown.way:
            if step.url.startswith(world.url):
                assert step.headers["Referrer-Policy"] == "no-referrer"


def test_a_page_says_its_language_title_and_heading(world: World) -> None:
    for shown in pages(world).values():
        assert '<html lang="en">' in shown.text
        assert len(re.findall(r"<h1>[^<]+</h1>", shown.text)) == 1
        assert re.search(r"<title>[^<]+</title>", shown.text)
        assert 'name="viewport"' in shown.text


def test_the_cookie_is_for_this_sign_in_and_no_script_reads_it(world: World) -> None:
    address = world.address(world.add())
    world.browser.open(address)
    (cookie,) = world.browser.session.cookies
    assert cookie.name.startswith("__Host-")
    assert cookie.secure
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Lax"
    assert cookie.path == "/"
    assert not cookie.domain_specified
    state = parse_qs(urlsplit(address).query)["state"][0]
    assert state not in str(cookie.value) + cookie.name
    world.browser.open(address)
    assert [each.value for each in world.browser.session.cookies] == [cookie.value]


def test_names_are_shown_as_they_are_and_make_no_markup(world: World) -> None:
    from calbridge.service.users import put_user

    put_user(world.parts, TENANT, "bob", name="<b>Bob</b> & Söhne")
    page = world.browser.open(world.address(world.add("bob")))
    assert "&lt;b&gt;Bob&lt;/b&gt; &amp; Söhne" in page.text
    assert "<b>" not in page.text


def test_who_guesses_states_is_stopped(world: World) -> None:
    address = f"{world.url}/v1/oauth/sign-in?state="
    seen = [world.browser.open(f"{address}{number}").status for number in range(62)]
    assert (seen[0], seen[-1]) == (410, 429)


def test_no_secret_is_logged_stored_in_the_clear_or_shown(world: World, log: io.StringIO) -> None:
    integration = world.add()
    address = world.address(integration)
    first = world.browser.open(address)
    (cookie,) = (each.value for each in world.browser.session.cookies)
    question = world.browser.submit(world.browser.follow(first), ALLOW)
    (back, _) = question.way[-2:]
    code = parse_qs(urlsplit(back.headers["Location"]).query)["code"][0]
    with world.parts.database.connect(writes=False) as connection:
        waiting = str(connection.execute(text("SELECT * FROM authorizations")).all())
    end = world.browser.submit(question, YES)
    grant = grant_of(world.secret(integration) or "")
    state, confirmation = (question.forms[0].fields[name] for name in ("state", "confirmation"))
    secrets = [str(cookie), code, grant.refresh_token, str(grant.access_token), world.google.client.secret]
    lines = [line for line in log.getvalue().splitlines() if '"werkzeug"' not in line]
    assert any("sign" in line or "page" in line or "request" in line for line in [*lines, "request"])
    for secret in [*secrets, state, confirmation]:
        assert secret not in "\n".join(lines)
        assert secret not in waiting
    for secret in secrets:
        for shown in (first, question, end):
            assert secret not in shown.text + shown.url
    audit = str(world.call("GET", "/v1/audit", key=None).text)
    assert state not in audit


def test_what_breaks_inside_is_a_page_and_never_a_traceback(world: World, log: io.StringIO) -> None:
    question = world.asked(world.add())
    with world.parts.database.connect(writes=True) as connection:
        connection.exec_driver_sql("DROP TABLE accounts")
    end = world.browser.submit(question, YES)
    assert end.status >= 500
    assert "Not connected" in end.words
    assert re.search(r"Code: \w+ . Request: req_\w+", end.words)
    for word in ("Traceback", "SELECT", "sqlite"):
        assert word not in end.text


def test_a_form_that_is_none_or_too_large_is_a_page(world: World) -> None:
    callback = f"{world.url}/v1/oauth/callback"
    session = world.browser.session
    answers = {
        415: session.post(callback, json={"state": "x"}),
        400: session.post(callback, data={"state": "x", "confirmation": "y", "word": "maybe"}),
        422: session.post(callback, data={"state": "x" * 20_000}),
        410: session.post(callback, data={"state": "x", "confirmation": "y", "word": "connect"}),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "Not connected" in answer.text


def findings(world: World) -> dict[str | None, Finding]:
    return {each.code: each for each in doctor.examine(world.parts) if "Google" in each.what}


def test_the_doctor_says_where_users_are_sent_back_to(world: World) -> None:
    (found,) = findings(world).values()
    assert found.ok
    assert f"{world.url}/v1/oauth/callback" in found.what


def test_the_doctor_finds_a_registered_app_that_nobody_can_come_back_to(open_world: Opens) -> None:
    world = open_world(PUBLIC_URL="")
    assert not findings(world)["public_url_missing"].ok
    object.__setattr__(world.parts, "connector_settings", {})
    assert findings(world)["app_not_registered"].ok


def test_the_command_line_prints_the_address_of_the_page(world: World, quiet_again: None) -> None:
    ours = world.parts.settings
    environment = {
        "CALBRIDGE_DATA_DIR": str(ours.data_dir),
        "CALBRIDGE_DATABASE_URL": ours.database_url,
        "CALBRIDGE_SECRET_KEYS": KEY,
        "CALBRIDGE_PUBLIC_URL": world.url,
        "CALBRIDGE_PRIVATE_NETWORKS": "127.0.0.1/32",
        "CALBRIDGE_LOG_LEVEL": "error",
    }

    def call(*words: str) -> dict[str, Any]:
        done = CliRunner().invoke(main, [*words, "--json"], env=environment)
        assert done.exit_code == 0, done.output
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    integration = call("integrations", "add", "--user", ALICE, "--service", "google")["id"]
    address = call("integrations", "sign-in", integration)["authorize_url"]
    page = world.browser.open(address)
    end = world.browser.submit(world.browser.submit(world.browser.follow(page), ALLOW), YES)
    assert "Connected" in end.words
    assert world.show(integration)["account"]["owner_address"] == world.google.user
