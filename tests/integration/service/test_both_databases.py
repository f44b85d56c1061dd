"""The main job on SQLite and on PostgreSQL, with a real Radicale."""

from __future__ import annotations

from pathlib import Path

from calbridge.service import hosts, integrations, items, sync, tenants, users
from calbridge.service.parts import open_parts
from calbridge.store.migrate import upgrade
from tests.integration.service.world import ALICE, TENANT, settings_for, visit
from tests.servers import CalendarServer

LUNCH = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//test//EN
BEGIN:VEVENT
UID:lunch@example.com
DTSTAMP:20270101T000000Z
DTSTART:20270105T110000Z
DTEND:20270105T120000Z
SUMMARY:Lunch
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


def test_both_sides_end_the_same(
    database_url: str, tmp_path: Path, radicale_server: CalendarServer, new_radicale_calendar: str
) -> None:
    settings = settings_for(tmp_path, database_url, CALBRIDGE_PRIVATE_NETWORKS="127.0.0.0/8")
    with open_parts(settings) as parts:
        upgrade(parts.database)
        tenants.create_tenant(parts, TENANT, "Tenant")
        users.put_user(parts, TENANT, ALICE, time_zone="Europe/Vienna")
        hosts.grant_host(parts, TENANT, f"127.0.0.1:{radicale_server.port}")
        account = {"url": radicale_server.url, "username": "alice", "password": "secret"}
        view = integrations.add_integration(parts, TENANT, user_id=ALICE, service="caldav", account=account)
        wanted = new_radicale_calendar.rstrip("/").rpartition("/")[2]
        offered = integrations.list_calendars(parts, TENANT, view.id)
        (calendar,) = [each.id for each in offered if wanted in each.id]
        integrations.change_integration(parts, TENANT, view.id, calendar_id=calendar, active=True)
        assert sync.sync_integration(parts, TENANT, view.id).status == "succeeded"
        radicale_server.put(new_radicale_calendar, "lunch.ics", LUNCH)
        items.put_item(parts, TENANT, ALICE, "ext:call-1", visit("Repair"))
        assert sync.sync_integration(parts, TENANT, view.id).status == "succeeded"
        assert sorted(each["title"] for each in items.list_items(parts, TENANT, ALICE)) == ["Lunch", "Repair"]
        bodies = [radicale_server.get(path) for path in radicale_server.list(new_radicale_calendar)]
        assert sorted(b"SUMMARY:Repair" in body for body in bodies) == [False, True]
