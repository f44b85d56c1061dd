"""What a person decides at the command line, and what it shows to decide by, against a real calendar server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from calbridge.app import build
from calbridge.service import items
from calbridge.service.parts import Parts
from calbridge.settings import load_settings
from tests.integration.cli.conftest import Calbridge, Linked
from tools.demo_calendar import single

TODAY = date.today()
ALICE = ("--user", "alice")
ONE = timedelta(days=1)


@contextmanager
def installation(calbridge: Calbridge) -> Iterator[Parts]:
    """The installation of these verbs from inside: many calls, of which each would be a process's work."""
    environ = {name: value for name, value in calbridge.environment.items() if value is not None}
    with build(load_settings(environ)) as parts:
        yield parts


def test_more_deletions_than_usual_wait_for_a_word_that_the_command_line_can_give(linked: Linked) -> None:
    call = linked.calbridge
    times = ("--start", f"{TODAY + timedelta(1)} 09:00", "--end", f"{TODAY + timedelta(1)} 10:00")
    call.text("items", "put", "ext:v50", *ALICE, "--title", "Visit", *times)
    visit = call.json("items", "show", "ext:v50", *ALICE)["item"]
    body = {name: visit[name] for name in ("title", "start", "end")}
    with installation(call) as parts:
        for number in range(50):
            items.put_item(parts, "acme", "alice", f"ext:v{number}", body)
        call.text("integrations", "sync", linked.integration, "--send-future", "3")
        for number in range(50):
            items.delete_item(parts, "acme", "alice", f"ext:v{number}")

    refused = call.call("items", "delete", "ext:v50", *ALICE)
    assert refused.exit_code == 1
    assert "calbridge items confirm" in refused.stderr

    assert call.text("items", "confirm").startswith("Confirmed until ")
    assert "confirmed_until" in call.json("items", "confirm")
    assert call.text("items", "delete", "ext:v50", *ALICE).endswith("is deleted.\n")


def test_a_preview_tells_when_each_entry_starts(linked: Linked) -> None:
    call, day = linked.calbridge, TODAY + timedelta(days=2)
    linked.server.put(linked.calendar, "lunch.ics", single("lunch", "Lunch", day, 12))
    call.text("items", "put", "ext:day", *ALICE, "--title", "Fair", "--start", str(day), "--end", str(day + ONE))
    preview = ("integrations", "preview", linked.integration, "--retrieve-future", "9", "--send-future", "9")

    shown = call.text(*preview)

    (lunch,) = [line for line in shown.splitlines() if "Lunch" in line]
    assert f"{day} 12:00" in lunch
    (fair,) = [line for line in shown.splitlines() if "Fair" in line]
    assert f"{day}  " in fair
    starts = {step["title"]: step["start"] for step in call.json(*preview)["plan"]}
    assert starts["Fair"] == {"date": str(day)}


def test_a_known_event_is_told_by_its_address_at_the_service(linked: Linked) -> None:
    call, day = linked.calbridge, TODAY + timedelta(days=2)
    linked.server.put(linked.calendar, "lunch.ics", single("lunch", "Lunch", day, 12))
    call.text("integrations", "sync", linked.integration)

    shown = call.text("known", "list", linked.integration)

    assert "lunch.ics" in shown
    (row,) = call.json("known", "list", linked.integration)["data"]
    assert row["integration_id"] == linked.integration
    assert row["remote_id"].endswith("lunch.ics")


def test_the_settings_of_an_integration_are_shown_as_they_are_set(linked: Linked) -> None:
    call, link = linked.calbridge, linked.integration
    chosen = ("retrieve.delete=false", 'send.types=["task", "todo"]', "ranges.send.past_days=3", "conflict=newest")
    call.text("integrations", "set", link, *(word for each in chosen for word in ("--setting", each)))

    told = [line.split(maxsplit=1) for line in call.text("integrations", "show", link).splitlines() if line]

    shown = {name: value for name, value in told if "." in name or name == "conflict"}
    for each in chosen:
        name, value = each.split("=")
        assert shown[name] == value
    assert shown["existence.task"] == "psa"
    assert shown["ranges.retrieve"] == "null"
    before = call.json("integrations", "show", link)
    same = [f"{name}={value}" for name, value in shown.items()]
    call.text("integrations", "set", link, *(word for each in same for word in ("--setting", each)))
    assert call.json("integrations", "show", link)["settings"] == before["settings"]
