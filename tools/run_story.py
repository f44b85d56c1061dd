"""The main job, through the REST API of a running service: one calendar is linked, and changes arrive on both sides."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import requests

from tests.servers.calendar_server import CalendarServer
from tools.demo_calendar import ZONE, entries, fill, single

TENANT, USER, PASSWORD = "demo", "alice", "correct horse battery staple"
CALENDAR = "phone"
SECONDS = 120.0
"""For what happens by itself within a few seconds."""
REQUEST_SECONDS = 30.0


class StoryFailed(Exception):
    """Something did not arrive, or was refused."""


class Api:
    """Calls with one key."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {key}"

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer's JSON. Raises StoryFailed where it is no success."""
        answer = self._session.request(method, f"{self._url}/v1{path}", json=body, timeout=REQUEST_SECONDS)
        if not answer.ok:
            raise StoryFailed(f"{method} /v1{path} answered {answer.status_code}: {answer.text}")
        return answer.json() if answer.content else None


def play(url: str, platform_key: str, phone: CalendarServer, say: Callable[[str], None]) -> None:
    """Link the phone's calendar where it is not linked yet, change each side, and wait for the other.

    Raises StoryFailed.
    """
    calendar = _phone_calendar(phone)
    with _tenant(Api(url, platform_key), url, phone) as api:
        integration = _integration(api, phone)
        say(f"\nAlice's phone is played by Radicale, a CalDAV server, at {phone.url} (user {USER}).")
        say(f"Its calendar is linked to her My Calendar: tenant {TENANT}, user {USER}, integration {integration}.")
        now = datetime.now(ZONE)
        day, stamp = now.date() + timedelta(days=1), f"{now:%H:%M:%S}"
        _send(api, phone, calendar, day, stamp, say)
        _retrieve(api, phone, calendar, integration, day, stamp, say)


@contextmanager
def _tenant(platform: Api, url: str, phone: CalendarServer) -> Iterator[Api]:
    """The tenant of the demo, which may reach the phone, and a key of it for as long as it is needed."""
    hosts = [f"127.0.0.1:{phone.port}"]
    platform.call("PUT", f"/tenants/{TENANT}", {"name": "Demo IT Services", "private_hosts": hosts})
    for each in platform.call("GET", f"/tenants/{TENANT}/keys")["data"]:
        if each["name"] == "make run":
            platform.call("DELETE", f"/tenants/{TENANT}/keys/{each['id']}")
    key = platform.call("POST", f"/tenants/{TENANT}/keys", {"role": "admin", "name": "make run"})
    try:
        yield Api(url, key["key"])
    finally:
        platform.call("DELETE", f"/tenants/{TENANT}/keys/{key['id']}")


def _integration(api: Api, phone: CalendarServer) -> str:
    """The id of the integration: made, connected, active, with what was on the phone copied once."""
    api.call("PUT", f"/users/{USER}", {"name": "Alice", "time_zone": str(ZONE)})
    account = {"url": phone.url, "username": USER, "password": PASSWORD}
    found = api.call("GET", f"/integrations?user_id={USER}")["data"]
    if found and found[0]["active"]:
        return str(found[0]["id"])
    made = found[0] if found else api.call("POST", "/integrations", {"user_id": USER, "service": "caldav"})
    path = f"/integrations/{made['id']}"
    api.call("PUT", f"{path}/account", account)
    calendars = api.call("GET", f"{path}/calendars")["data"]
    chosen = next(each["id"] for each in calendars if CALENDAR in each["id"])
    api.call("PATCH", path, {"calendar_id": chosen, "active": True})
    run = api.call("POST", f"{path}/sync", {"retrieve": {"past_days": 30, "future_days": 365}})
    _wait(lambda: api.call("GET", f"{path}/runs/{run['id']}")["status"] == "succeeded", "the first copy did not end")
    return str(made["id"])


def _send(api: Api, phone: CalendarServer, calendar: str, day: date, stamp: str, say: Callable[[str], None]) -> None:
    title = f"Replace the router ({stamp})"
    start, end = ({"date_time": f"{day}T{hour}:00:00", "time_zone": str(ZONE)} for hour in ("09", "10"))
    body = {"type": "service_call", "title": title, "start": start, "end": end}
    api.call("PUT", f"/users/{USER}/items/ext:SC-{stamp.replace(':', '')}", body)
    seconds = _wait(lambda: title in _titles(phone, calendar, day), "the service call did not arrive on the phone")
    say(f"\nPSA -> phone   {title}: a service call, written by PUT, was on the phone after {seconds:.1f} s.")


def _retrieve(
    api: Api,
    phone: CalendarServer,
    calendar: str,
    integration: str,
    day: date,
    stamp: str,
    say: Callable[[str], None],
) -> None:
    title = f"Lunch with Bob ({stamp})"
    name = f"lunch-{stamp.replace(':', '')}"
    phone.put(calendar, f"{name}.ics", single(name, title, day, 12))
    api.call("POST", f"/integrations/{integration}/sync", {})
    seconds = _wait(lambda: title in _items(api, day), "the event did not arrive in My Calendar")
    minutes = api.call("GET", "/settings")["poll_minutes"]
    say(f"phone -> PSA   {title}: an event of the phone was in My Calendar after {seconds:.1f} s.")
    say(f"               (POST .../sync asked for it; without, the phone is looked at every {minutes} minutes.)")


def _phone_calendar(phone: CalendarServer) -> str:
    """The address of the calendar, made and filled at the first time."""
    calendar = f"{phone.home}{CALENDAR}/"
    if phone.request("PROPFIND", calendar, headers={"Depth": "0"}).status == 404:
        today = date.today()
        phone.make_calendar(CALENDAR, displayname="Alice's phone")
        list(fill(phone, calendar, today + timedelta(days=7 - today.weekday())))
    return calendar


def _titles(phone: CalendarServer, calendar: str, day: date) -> set[str]:
    return {each.title for each in entries(phone, calendar, day, day + timedelta(days=1))}


def _items(api: Api, day: date) -> set[str]:
    span = f"from={day}T00:00:00Z&to={day + timedelta(days=1)}T00:00:00Z"
    return {each["title"] for each in api.call("GET", f"/users/{USER}/items?{span}")["data"]}


def _wait(condition: Callable[[], object], otherwise: str) -> float:
    """Wait until the condition holds; gives the seconds it took. Raises StoryFailed."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > SECONDS:
            raise StoryFailed(otherwise)
        time.sleep(0.05)
    return time.monotonic() - begun
