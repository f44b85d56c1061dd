"""Linking a calendar and carrying changes over, against a real calendar server."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.integration.cli.conftest import PASSWORD, Calbridge, Linked
from tests.servers.calendar_server import CalendarServer
from tools.demo_calendar import single

TODAY = date.today()
ACCOUNT = ("--user", "alice", "--service", "caldav", "--username", "alice")


def test_the_password_comes_from_standard_input_or_the_environment(
    calbridge: Calbridge, server: CalendarServer
) -> None:
    calbridge.text("hosts", "grant", f"127.0.0.1:{server.port}")
    add = ("integrations", "add", *ACCOUNT, "--url", server.url)

    without = calbridge.call(*add)
    assert without.exit_code == 2
    assert "pipe it in with --password-stdin, or set CALBRIDGE_PASSWORD" in without.stderr
    assert calbridge.call(*add, "--password-stdin", stdin="\n").exit_code == 2
    assert "setup" in calbridge.text(*add, CALBRIDGE_PASSWORD=PASSWORD)


def test_a_wrong_password_is_told_and_nothing_is_stored(calbridge: Calbridge, server: CalendarServer) -> None:
    calbridge.text("hosts", "grant", f"127.0.0.1:{server.port}")

    done = calbridge.call(
        "integrations", "add", *ACCOUNT, "--url", server.url, "--password-stdin", stdin="not her password"
    )

    assert done.exit_code == 1
    assert "refused the user name or the password" in done.stderr
    assert "not her password" not in done.output
    assert calbridge.json("integrations", "list")["data"] == []


def test_a_private_server_without_a_grant_is_the_administrators_business(
    calbridge: Calbridge, server: CalendarServer
) -> None:
    add = ("integrations", "add", *ACCOUNT, "--url", server.url.replace("http:", "https:"), "--password-stdin")
    done = calbridge.call(*add, stdin=PASSWORD)

    assert done.exit_code == 3
    assert "What to do: " in done.stderr


def test_a_linked_integration_is_shown_with_its_calendar(linked: Linked) -> None:
    shown = linked.calbridge.text("integrations", "show", linked.integration)

    assert "Active       yes" in shown
    assert "connected" in shown
    assert PASSWORD not in linked.calbridge.text("integrations", "show", linked.integration, "--json")


def test_a_range_is_retrieved_and_a_new_item_is_sent(linked: Linked) -> None:
    linked.server.put(linked.calendar, "lunch.ics", single("lunch", "Lunch", TODAY + timedelta(days=2), 12))
    call = linked.calbridge

    said = call.text("integrations", "sync", linked.integration, "--retrieve-past", "1", "--retrieve-future", "30")
    assert "succeeded" in said
    assert [item["title"] for item in call.json("items", "list", "--user", "alice")["data"]] == ["Lunch"]

    day = TODAY + timedelta(days=3)
    times = ("--start", f"{day} 09:00", "--end", f"{day} 10:00")
    call.text("items", "put", "ext:SC-1", "--user", "alice", "--title", "Service", "--type", "service_call", *times)
    call.text("integrations", "sync", linked.integration)
    stored = b"".join(linked.server.get(path) for path in linked.server.list(linked.calendar))
    assert b"SUMMARY:Service" in stored


def test_the_history_of_an_item_and_the_log_name_the_fields_that_differ(linked: Linked) -> None:
    call = linked.calbridge
    day = TODAY + timedelta(days=3)
    put = ("items", "put", "ext:SC-1", "--user", "alice")
    call.text("integrations", "sync", linked.integration)
    call.text(*put, "--title", "Service", "--start", f"{day} 09:00", "--end", f"{day} 10:00")
    call.text("integrations", "sync", linked.integration)
    call.text(*put, "--title", "Service moved")
    call.text("integrations", "sync", linked.integration)

    shown = call.text("items", "show", "ext:SC-1", "--user", "alice")
    assert "Service -> Service moved" in shown
    assert f"{linked.integration}: synced" in shown
    assert "Service -> Service moved" in call.text("integrations", "logs", linked.integration)
    assert {run["status"] for run in call.json("integrations", "runs", linked.integration)["data"]} == {"succeeded"}


def test_a_preview_writes_nothing_and_is_applied_once(linked: Linked) -> None:
    call = linked.calbridge
    day = TODAY + timedelta(days=3)
    times = ("--start", f"{day} 09:00", "--end", f"{day} 10:00")
    call.text("integrations", "sync", linked.integration)
    call.text("items", "put", "ext:SC-1", "--user", "alice", "--title", "Service", *times)

    plan = call.json("integrations", "preview", linked.integration)
    assert [step["title"] for step in plan["plan"]] == ["Service"]
    assert linked.server.list(linked.calendar) == {}

    call.text("integrations", "apply", plan["id"])
    assert len(linked.server.list(linked.calendar)) == 1
    assert call.call("integrations", "apply", plan["id"]).exit_code == 1


def test_an_occurrence_is_moved_and_another_cancelled(linked: Linked) -> None:
    call = linked.calbridge
    days = [TODAY + timedelta(days=number) for number in range(4)]
    put = ("items", "put", "ext:S", "--user", "alice")
    times = ("--start", f"{days[0]} 09:00", "--end", f"{days[0]} 10:00")
    call.text(*put, "--title", "Daily", "--rule", "FREQ=DAILY;COUNT=4", *times)

    call.text(*put, "--occurrence", f"{days[1]} 09:00", "--start", f"{days[1]} 15:00", "--end", f"{days[1]} 16:00")
    call.text(*put, "--occurrence", f"{days[2]} 09:00", "--cancel")

    window = ("--from", str(days[0]), "--to", str(TODAY + timedelta(days=9)))
    found = call.json("items", "list", "--user", "alice", "--expand", *window)["data"]
    starts = sorted(item["start"]["date_time"] for item in found)
    assert starts == [f"{days[0]}T09:00:00", f"{days[1]}T15:00:00", f"{days[3]}T09:00:00"]


def test_an_item_comes_from_a_file(calbridge: Calbridge, tmp_path: Path) -> None:
    body = {"title": "From file", "start": {"date": "2027-01-05"}, "end": {"date": "2027-01-06"}}
    (tmp_path / "item.json").write_text(json.dumps(body), encoding="utf-8")

    item = calbridge.json("items", "put", "ext:F", "--user", "alice", "--file", str(tmp_path / "item.json"))

    assert (item["title"], item["start"]) == ("From file", {"date": "2027-01-05"})
    done = calbridge.text("items", "delete", "ext:F", "--user", "alice")
    assert done == f"Item {item['id']} is deleted.\n"


@pytest.mark.parametrize("words", [("--cancel",), ("--start", "tomorrow"), ()])
def test_words_that_make_no_item_are_usage_errors(calbridge: Calbridge, words: tuple[str, ...]) -> None:
    assert calbridge.call("items", "put", "ext:X", "--user", "alice", *words).exit_code == 2


def test_settings_are_changed_by_name(linked: Linked) -> None:
    change = ("integrations", "set", linked.integration)

    linked.calbridge.text(*change, "--setting", "retrieve.delete=false", "--setting", "conflict=newest")

    settings = linked.calbridge.json("integrations", "show", linked.integration)["settings"]
    assert settings["retrieve"]["delete"] is False
    assert settings["conflict"] == "newest"
    assert linked.calbridge.call(*change, "--setting", "colour=red").exit_code == 1


def test_an_inactive_integration_does_not_sync_and_the_error_says_why(linked: Linked) -> None:
    linked.calbridge.text("integrations", "set", linked.integration, "--inactive")

    done = linked.calbridge.call("integrations", "sync", linked.integration)

    assert done.exit_code == 1
    assert "This integration is switched off." in done.stderr


def test_a_new_password_is_checked_before_it_is_stored(linked: Linked) -> None:
    sign_in = ("integrations", "sign-in", linked.integration, "--password-stdin")

    assert linked.calbridge.call(*sign_in, stdin="wrong").exit_code == 1
    assert "alice" in linked.calbridge.text(*sign_in, stdin=PASSWORD)
    assert "alice" in linked.calbridge.text("integrations", "check", linked.integration)


def test_links_are_listed_and_wrong_acts_refused(linked: Linked) -> None:
    linked.server.put(linked.calendar, "lunch.ics", single("lunch", "Lunch", TODAY + timedelta(days=2), 12))
    call = linked.calbridge
    call.text("integrations", "sync", linked.integration)
    known = call.json("known", "list", linked.integration)["data"]
    assert [row["state"] for row in known] == ["known"]

    call.text("known", "act", linked.integration, known[0]["id"], "retrieve")
    call.text("integrations", "sync", linked.integration)

    links = call.json("links", "list", linked.integration)["data"]
    assert [link["state"] for link in links] == ["synced"]
    assert call.call("links", "act", linked.integration, links[0]["item_id"], "thaw").exit_code == 1
    assert call.call("known", "act", linked.integration, "1", "link").exit_code == 2


def test_a_stored_password_is_sealed_anew_with_another_key(linked: Linked, tmp_path: Path) -> None:
    call = linked.calbridge
    former = (tmp_path / "data" / "secret.key").read_text(encoding="ascii").strip()
    keys = f"{'n' * 40},{former}"

    assert call.json("secrets", "rotate", CALBRIDGE_SECRET_KEYS=keys)["changed"] >= 1
    assert call.json("secrets", "verify", CALBRIDGE_SECRET_KEYS="n" * 40)["unreadable"] == 0
    lost = call.call("secrets", "verify")
    assert lost.exit_code == 3


def test_deleting_an_integration_leaves_both_calendars_unless_asked(linked: Linked) -> None:
    call = linked.calbridge
    day = TODAY + timedelta(days=3)
    times = ("--start", f"{day} 09:00", "--end", f"{day} 10:00")
    call.text("items", "put", "ext:SC-1", "--user", "alice", "--title", "Service", *times)
    call.text("integrations", "sync", linked.integration)

    call.text("integrations", "delete", linked.integration, "--remove", "linked", "--yes")

    assert linked.server.list(linked.calendar) == {}
    assert [item["title"] for item in call.json("items", "list", "--user", "alice")["data"]] == ["Service"]


def test_who_has_not_signed_in_yet_is_told_how_and_asked_for_a_user_name(calbridge: Calbridge) -> None:
    added = calbridge.call("integrations", "add", "--user", "alice", "--service", "icloud")
    assert added.exit_code == 0
    (row,) = calbridge.json("integrations", "list")["data"]
    assert f"calbridge integrations sign-in {row['id']}" in added.output
    done = calbridge.call("integrations", "sign-in", row["id"])
    assert done.exit_code == 2
    assert "--username is needed" in done.output


def test_an_address_that_is_none_is_refused_by_name(calbridge: Calbridge) -> None:
    add = ("integrations", "add", *ACCOUNT, "--url", "http://[::1/", "--password-stdin")

    done = calbridge.call(*add, stdin=PASSWORD)

    assert done.exit_code == 1
    assert "invalid_value: must be an address" in done.stderr
    assert "field=account.url" in done.stderr


def test_a_preview_before_a_calendar_is_chosen_says_that_none_is_linked(
    calbridge: Calbridge, server: CalendarServer
) -> None:
    calbridge.text("hosts", "grant", f"127.0.0.1:{server.port}")
    add = ("integrations", "add", *ACCOUNT, "--url", server.url, "--password-stdin")
    integration = calbridge.json(*add, stdin=PASSWORD)["id"]

    done = calbridge.call("integrations", "preview", integration)

    assert done.exit_code == 1
    assert "no calendar is linked yet" in done.stderr
    assert "sign-in" not in done.stderr


def test_a_filter_that_no_line_of_the_log_fits_is_told_from_an_empty_log(linked: Linked) -> None:
    logs = ("integrations", "logs", linked.integration)

    assert linked.calbridge.text(*logs) == "Nothing was carried over yet.\n"
    assert linked.calbridge.text(*logs, "--action", "foo") == "No line of the log fits the filter.\n"


def test_a_word_is_given_only_where_something_waits_for_it(linked: Linked) -> None:
    calbridge, user, link = linked.calbridge, ("--user", "alice"), linked.integration
    confirm = ("integrations", "confirm", link)
    assert calbridge.text(*confirm) == "Nothing waits to be confirmed, so nothing is.\n"
    calbridge.text("integrations", "sync", link)
    for number in range(12):
        times = ("--start", f"{TODAY + timedelta(1)} {number + 8:02}:00", "--end", f"{TODAY + timedelta(1)} 20:00")
        calbridge.text("items", "put", f"ext:v{number}", *user, "--title", f"Visit {number}", *times)
    calbridge.text("integrations", "sync", link)
    assert calbridge.json(*confirm)["id"] == link
    for number in range(12):
        calbridge.text("items", "delete", f"ext:v{number}", *user)

    waiting = calbridge.call("integrations", "sync", link, "--json")
    assert json.loads(waiting.stdout)["status"] == "waiting"

    assert calbridge.text("integrations", "confirm", json.loads(waiting.stdout)["id"]).startswith("Confirmed.")
    assert calbridge.json("integrations", "sync", link)["status"] == "succeeded"
    assert calbridge.text(*confirm).startswith("Nothing waits")
