"""CPU of the REST API per request, beside a minimal Flask application over the same database.

The minimal one reads and writes the same rows with SQLAlchemy Core and answers them as JSON: no key, no checks, no
rules, no order of changes to keep. Both are called in one process through WSGI, turn by turn.
"""

from __future__ import annotations

import io
import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calbridge.api import create_app
from calbridge.app import upgrade_database
from calbridge.domain.content import MASTER, Field, Unit, Value, content
from calbridge.service.access import Role
from calbridge.service.items import put_item
from calbridge.service.keys import create_key
from calbridge.service.parts import Parts, open_parts
from calbridge.store.accounts import StoredAccount
from calbridge.store.integrations import StoredIntegration
from calbridge.store.rows import link_out
from calbridge.store.tables import links
from calbridge.store.users import User
from calbridge.sync.memory import Link, LinkState
from tools.benchmark.calbridge_side import ACCOUNT, INTEGRATION, TENANT, USER, settings_for
from tools.benchmark.cases import GET_CASE, ITEMS, LIST_CASE, WRITE_CASE
from tools.benchmark.events import begins
from tools.benchmark.minimal_api import minimal_app

WARM_UP, ROUNDS, CALLS = 40, 30, 20
Environ = dict[str, Any]
Wsgi = Callable[[Environ, Any], Any]


class CallFailed(Exception):
    """A request was not answered as it should be: nothing was measured."""


@dataclass(frozen=True)
class Side:
    """An application, and the key that is presented to it."""

    app: Wsgi
    key: str = ""

    def call(self, method: str, path: str, body: object = None) -> bytes:
        """The body of an answer. :raises CallFailed: it is a refusal."""
        data = b"" if body is None else json.dumps(body).encode()
        head, _, query = path.partition("?")
        status: list[str] = []
        answer = self.app(_environ(method, head, query, data, self.key), lambda told, _headers, *_: status.append(told))
        try:
            told = b"".join(answer)
        finally:
            getattr(answer, "close", lambda: None)()
        if not status[0].startswith("200"):
            raise CallFailed(f"{method} {path}: {status[0]} {told[:200]!r}")
        return told


def _environ(method: str, path: str, query: str, data: bytes, key: str) -> Environ:
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "HTTP_AUTHORIZATION": f"Bearer {key}",
        "REMOTE_ADDR": "192.0.2.1",
        "CONTENT_TYPE": "application/json" if data else "",
        "CONTENT_LENGTH": str(len(data)) if data else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(data),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def measure_api(folder: Path) -> Mapping[str, tuple[float, float]]:
    """Milliseconds of CPU that a request costs calbridge and the minimal application, by what is asked.

    :raises CallFailed: an answer was not the expected one.
    """
    settings = settings_for(folder)
    upgrade_database(settings)
    with open_parts(settings) as parts:
        _furnish(parts)
        key = create_key(parts, TENANT, Role.BACKEND, "bench").key
        ours = Side(create_app(parts), key)
        theirs = Side(minimal_app(parts.database.engine, TENANT))
        path = f"/v1/users/{USER}/items"
        titles = (f"Moved {number}" for number in range(10**9))
        return {
            GET_CASE: _compare(ours, theirs, "GET", lambda: (f"{path}/ext:call-7", None)),
            LIST_CASE: _compare(ours, theirs, "GET", lambda: (f"{path}?limit={ITEMS}", None)),
            WRITE_CASE: _compare(ours, theirs, "PUT", lambda: (f"{path}/ext:call-7", _body(7, next(titles)))),
        }


def _compare(ours: Side, theirs: Side, method: str, ask: Callable[[], tuple[str, object]]) -> tuple[float, float]:
    """The median over rounds, in which both take their turns."""
    for _ in range(WARM_UP):
        for side in (ours, theirs):
            side.call(method, *ask())
    spent: dict[int, list[float]] = {0: [], 1: []}
    for _ in range(ROUNDS):
        for number, side in enumerate((ours, theirs)):
            before = time.process_time()
            for _ in range(CALLS):
                side.call(method, *ask())
            spent[number].append((time.process_time() - before) / CALLS * 1000)
    return statistics.median(spent[0]), statistics.median(spent[1])


def _furnish(parts: Parts) -> None:
    """A user with items that one linked calendar holds."""
    with parts.database.system_write() as system:
        system.tenants.add(TENANT, "Acme")
    with parts.database.write(TENANT) as work:
        work.users.add(User(USER, name="Alice", email="alice@example.com", time_zone="Europe/Vienna"))
        work.accounts.add(
            StoredAccount(ACCOUNT, "caldav", "alice", user_id=USER, url="https://dav.example.com/"), "secret"
        )
        work.integrations.add(
            StoredIntegration(
                INTEGRATION, USER, "caldav", ACCOUNT, active=True, status="connected", calendar_id="/alice/work/"
            )
        )
    for number in range(ITEMS):
        item = put_item(parts, TENANT, USER, f"ext:call-{number}", _body(number, f"Service call {number}"))
        with parts.database.write(TENANT) as work:
            work.connection.execute(links.insert(), link_out(_link(number, item["id"])) | _owner(number))


def _owner(number: int) -> dict[str, Any]:
    return {"tenant_id": TENANT, "integration_id": INTEGRATION, "born": number}


def _link(number: int, item_id: str) -> Link:
    said: dict[Unit, Value] = {(MASTER, Field.TITLE): f"Service call {number}"}
    return Link(
        f"link-{number:04}",
        item_id,
        remote_id=f"/alice/work/{number}.ics",
        uid=f"call-{number}@calbridge.example",
        state=LinkState.SYNCED,
        sent=content(said),
        shown=content(said),
        native=b"BEGIN:VCALENDAR" * 40,
        synced_version=1,
    )


def _body(number: int, title: str) -> dict[str, Any]:
    start = begins(number)
    return {
        "type": "service_call",
        "title": title,
        "description": {"text": f"What has to be done at customer {number}"},
        "location": f"Street {number % 17}",
        "start": {"date_time": f"{start:%Y-%m-%dT%H:%M:%S}", "time_zone": "Europe/Vienna"},
        "end": {"date_time": f"{start:%Y-%m-%dT%H:45:00}", "time_zone": "Europe/Vienna"},
        "reminders": [{"minutes_before": 15}],
        "associations": [{"type": "ticket", "id": f"T-{number}", "name": "Switch is down"}],
    }
