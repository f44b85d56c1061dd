"""Bad input: each ends in a clear code, nothing is lost, and the work goes on when it is over."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from calbridge.app import upgrade_database
from calbridge.catalogue import describe
from calbridge.errors import ConnectorError, DatabaseUnusable, Refused
from calbridge.service import accounts, hosts, integrations, items, known, tick
from calbridge.service.parts import open_parts
from calbridge.settings import load_settings
from calbridge.store.leases import Leases
from tests.doubles.caldav import caldav_double
from tests.e2e.bad_input import BOTH, Installation, locked, prepare
from tests.e2e.killing import environment_for, furnish, linked
from tests.e2e.runner import TENANT
from tests.e2e.sides import USER
from tests.servers.process import free_port

LATER = [*BOTH, "Later"]
MORE = ["Later", "Lunch", "Visit at once"]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with tables and nothing else, to copy."""
    folder = tmp_path_factory.mktemp("migrated")
    upgrade_database(load_settings(environment_for(folder, None)))
    return folder / "calbridge.db"


@pytest.fixture
def at(tmp_path: Path, migrated: Path) -> Iterator[Installation]:
    """Synced; then an event was added on the phone and the item got another title, and no run came since."""
    patient = {"CALBRIDGE_LEASE_SECONDS": "60", "CALBRIDGE_REQUEST_TIMEOUT": "30"}
    environment = environment_for(tmp_path, None) | patient
    settings = load_settings(environment)
    shutil.copyfile(migrated, tmp_path / "calbridge.db")
    with caldav_double() as double, open_parts(settings) as parts:
        furnish(parts, granted(double.url))
        installation = Installation(parts, double, linked(parts, double.url, double.user, double.password), environment)
        installation.sync()
        installation.put_event("lunch", "Lunch")
        installation.put_item("visit", "Visit")
        assert installation.sync().status == "succeeded"
        assert installation.titles() == installation.event_titles() == BOTH
        installation.put_event("later", "Later")
        installation.put_item("visit", "Visit at once")
        yield installation
        assert double.breaches == []


def comes_through(at: Installation) -> None:
    """What waited is carried over."""
    assert at.sync().status == "succeeded"
    assert at.titles() == at.event_titles() == MORE


def granted(url: str) -> str:
    """The place of an address, as a grant names it."""
    return url.split("/")[2]


def account(at: Installation, **other: str) -> dict[str, str]:
    return {"url": at.double.url, "username": at.double.user, "password": at.double.password, **other}


@pytest.mark.parametrize(
    ("breakage", "code"),
    [
        ("html", "login_page"),
        ("not_xml", "malformed_answer"),
        ("empty", "malformed_answer"),
        ("deep", "malformed_answer"),
        ("entity_bomb", "malformed_answer"),
        ("external_entity", "malformed_answer"),
        ("gzip_bomb", "response_too_large"),
    ],
)
def test_an_answer_that_is_no_calendar_ends_the_run_and_harms_nothing(
    at: Installation, breakage: str, code: str
) -> None:
    before = at.kept()
    at.double.quirks.breakage = breakage  # type: ignore[assignment]

    run = at.sync()

    assert (run.status, run.reason) == ("failed", code)
    assert at.reason() == code
    assert at.kept() == before
    at.double.quirks.breakage = None
    comes_through(at)


def test_a_wrong_password_is_not_stored(at: Installation) -> None:
    with pytest.raises(ConnectorError) as refused:
        integrations.add_integration(
            at.parts, TENANT, user_id=USER, service="caldav", account=account(at, password="wrong")
        )

    assert refused.value.code == "sign_in_required"
    assert len(integrations.list_integrations(at.parts, TENANT)) == 1


def test_a_password_that_was_changed_stops_the_integration_until_the_new_one_is_given(at: Installation) -> None:
    before = at.kept()
    at.double.quirks.rejects_login = True

    assert at.sync().reason == "sign_in_required"

    at.double.clear()
    with pytest.raises(Refused) as refused:
        at.sync()
    assert refused.value.code == "not_connected"
    assert at.double.requests == []
    assert at.kept() == before
    at.double.quirks.rejects_login = False
    accounts.put_account(at.parts, TENANT, at.integration, account(at))
    comes_through(at)


def test_a_host_that_can_not_be_reached_stores_nothing(at: Installation) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    hosts.grant_host(at.parts, TENANT, nobody)

    with pytest.raises(ConnectorError) as refused:
        integrations.add_integration(
            at.parts, TENANT, user_id=USER, service="caldav", account=account(at, url=f"http://{nobody}/")
        )

    assert refused.value.code == "host_unreachable"
    assert len(integrations.list_integrations(at.parts, TENANT)) == 1


def test_a_private_address_is_reached_only_as_long_as_it_is_granted(at: Installation) -> None:
    with pytest.raises(ConnectorError) as refused:
        integrations.add_integration(
            at.parts, TENANT, user_id=USER, service="caldav", account=account(at, url="https://127.0.0.1/")
        )
    assert refused.value.code == "private_network_needed"
    before = at.kept()
    hosts.revoke_host(at.parts, TENANT, granted(at.double.url))
    at.double.clear()

    assert at.sync().reason == "address_refused"

    assert at.double.requests == []
    assert at.kept() == before
    hosts.grant_host(at.parts, TENANT, granted(at.double.url))
    accounts.check_account(at.parts, TENANT, at.integration)
    comes_through(at)


def test_a_redirect_to_a_login_page_is_told_when_signing_in(at: Installation) -> None:
    at.double.quirks.breakage = "html"

    with pytest.raises(ConnectorError) as refused:
        integrations.add_integration(at.parts, TENANT, user_id=USER, service="caldav", account=account(at))

    assert refused.value.code == "login_page"


def test_a_write_that_is_sent_to_a_login_page_is_marked_and_tried_again(at: Installation) -> None:
    at.double.quirks.put_redirects_to_login = True

    at.sync()

    assert at.titles() == MORE
    assert at.event_titles() == sorted(LATER)
    reasons = {link["reason"] for item in at.kept()[0] for link in item["links"] if link["state"] == "failed"}
    assert reasons == {"redirect_refused"}
    at.double.quirks.put_redirects_to_login = False
    with open_parts(at.parts.settings, clock=Ahead(timedelta(minutes=20))) as later:
        comes_through(replace(at, parts=later))


def test_an_event_of_50_megabytes_is_set_apart_and_the_rest_goes_on(at: Installation) -> None:
    at.put_event("big", "Big", "DESCRIPTION:" + "x" * 50_000_000)

    assert at.sync().status == "succeeded"

    assert at.titles() == MORE
    (row,) = known.list_known(at.parts, TENANT, at.integration, state="quarantined")
    assert row.code == "too_large"
    at.put_event("big", "Big no more")
    assert at.sync().status == "succeeded"
    assert at.titles() == sorted([*MORE, "Big no more"])


def test_a_rule_of_seconds_is_set_apart_and_refused_from_the_psa(at: Installation) -> None:
    at.put_event("often", "Often", "RRULE:FREQ=SECONDLY")

    assert at.sync().status == "succeeded"

    assert at.titles() == MORE
    (row,) = known.list_known(at.parts, TENANT, at.integration, state="quarantined")
    assert row.code == "recurrence_too_fine"
    with pytest.raises(Refused) as refused:
        at.put_item("often", "Often", recurrence=["RRULE:FREQ=SECONDLY"])
    assert refused.value.code == "recurrence_too_fine"
    assert at.titles() == MORE


@pytest.mark.parametrize("rule", ["FREQ=DAILY", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"])
def test_a_rule_without_an_end_costs_no_more_than_what_is_asked_for(at: Installation, rule: str) -> None:
    at.put_event("endless", "Endless", f"RRULE:{rule}")

    assert at.sync().status == "succeeded"

    start = datetime(2036, 1, 1, tzinfo=UTC)
    found = items.list_items(at.parts, TENANT, USER, start=start, end=start + timedelta(days=10), expand=True)
    assert {each["title"] for each in found} <= {"Endless"}
    assert len(found) in {0, 10}


@pytest.mark.parametrize("status", [404, 410])
def test_a_calendar_that_vanished_takes_nothing_along(at: Installation, status: int) -> None:
    before = at.kept()
    at.double.quirks.calendar_vanished = status

    assert at.sync().reason == "calendar_gone"

    assert at.reason() == "calendar_gone"
    assert at.kept() == before
    at.double.quirks.calendar_vanished = None
    with open_parts(at.parts.settings, clock=Ahead(timedelta(hours=1))) as later:
        assert [run.status for run in tick.tick(later).ran] == ["succeeded"]
    assert at.titles() == at.event_titles() == MORE


def test_a_calendar_that_suddenly_lists_empty_deletes_nothing(at: Installation) -> None:
    before = at.kept()
    at.double.quirks.lists_empty = True
    at.double.expire_tokens("work")

    at.sync()
    at.sync(compare=True)

    assert at.titles() == ["Lunch", "Visit at once"]
    assert before[2].keys() == at.kept()[2].keys()
    at.double.quirks.lists_empty = False
    at.sync(compare=True)
    comes_through(at)


def test_a_full_disk_stops_the_run_and_it_goes_on_when_there_is_space(at: Installation) -> None:
    before = at.kept()
    at.put_event("long", "Long", "DESCRIPTION:" + "x" * 400_000)
    with at.parts.database.engine.connect() as connection:
        pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())

    with open_parts(at.parts.settings) as narrow:
        prepare(narrow.database.engine, f"max_page_count={pages}")
        with pytest.raises(DatabaseUnusable) as refused:
            replace(at, parts=narrow).sync()

    assert refused.value.code == "disk_full"
    assert at.kept()[0] == before[0]
    at.sync()
    assert at.titles() == at.event_titles() == sorted([*MORE, "Long"])


def test_a_database_that_another_process_holds_is_told_and_loses_nothing(at: Installation) -> None:
    before = at.kept()
    with (
        locked(at.parts.settings.data_dir / "calbridge.db"),
        open_parts(at.parts.settings) as hasty,
    ):
        prepare(hasty.database.engine, "busy_timeout=100")
        with pytest.raises(DatabaseUnusable) as refused:
            replace(at, parts=hasty).sync()

    assert refused.value.code == "database_locked"
    assert at.kept() == before
    comes_through(at)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_an_hour_off_neither_loses_anything_nor_takes_a_lease(at: Installation, hours: int) -> None:
    with open_parts(at.parts.settings, clock=Ahead(timedelta(hours=hours))) as wrong:
        other = replace(at, parts=wrong)
        held = Leases(at.parts.database).acquire(TENANT, at.integration, "somebody", 30)
        assert held is not None
        with pytest.raises(Refused) as refused:
            other.sync()
        assert refused.value.code == "integration_running"
        Leases(at.parts.database).release(held)
        comes_through(other)
    at.put_event("next", "Next")
    assert at.sync().status == "succeeded"
    assert at.titles() == at.event_titles() == sorted([*MORE, "Next"])


@pytest.mark.parametrize(
    ("trouble", "code"),
    [("rejects_login", "sign_in_required"), ("calendar_vanished", "calendar_gone"), ("breakage", "malformed_answer")],
)
def test_the_command_says_in_one_sentence_what_is_wrong(at: Installation, trouble: str, code: str) -> None:
    values = {"rejects_login": True, "calendar_vanished": 404, "breakage": "entity_bomb"}
    setattr(at.double.quirks, trouble, values[trouble])

    done = at.calbridge("integrations", "sync", at.integration)

    entry = describe(code)
    assert done.stderr.splitlines() == [f"Error: {entry.summary}", f"What to do: {entry.remedy}", f"Code: {code}"]
    assert done.returncode > 0


class Ahead:
    """A clock that goes wrong by so much."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC) + self._by
