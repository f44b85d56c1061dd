"""Examples of the document. A test validates each against its schema."""

from __future__ import annotations

from typing import Any


def listed(*rows: Any) -> dict[str, Any]:
    """A last page of a list."""
    return {"data": list(rows), "next_cursor": None}


ACCOUNT_BODY = {"url": "https://dav.example.com/", "username": "alice", "password": "correct horse"}
ACCOUNT = {
    "service": "caldav",
    "url": "https://dav.example.com/",
    "username": "alice",
    "owner_address": "alice@example.com",
    "has_secret": True,
}
CALENDAR = {
    "id": "/alice/work/",
    "name": "Work",
    "time_zone": "Europe/Vienna",
    "color": "#2060A0",
    "primary": True,
    "writable": True,
}
SETTINGS = {
    "retrieve": {
        "create": True,
        "update": True,
        "delete": True,
        "privacy": {"private": "busy_only", "other": "full"},
        "skip": {"declined": False, "free": False, "all_day": False, "categories": []},
    },
    "send": {
        "types": ["appointment", "service_call"],
        "privacy": {"private": "busy_only", "other": "full"},
        "forward": False,
        "on_leave": "remove",
    },
    "ranges": {"retrieve": {"past_days": 30, "future_days": 365}, "send": None},
    "conflict": "psa",
    "existence": {
        "appointment": "linked",
        "crm_activity": "psa",
        "service_call": "psa",
        "task": "psa",
        "todo": "psa",
    },
    "invitations": "none",
    "poll_minutes": None,
    "notify_failure_to": [],
}
INTEGRATION_BODY = {"user_id": "alice", "service": "caldav", "account": ACCOUNT_BODY}
INTEGRATION_PATCH = {"calendar_id": "/alice/work/", "active": True, "settings": {"send": {"types": ["service_call"]}}}
INTEGRATION = {
    "id": "8fQ2mT5wYb1k",
    "user_id": "alice",
    "service": "caldav",
    "account": {"url": "https://dav.example.com/", "username": "alice", "owner_address": "alice@example.com"},
    "active": True,
    "status": "connected",
    "reason": None,
    "calendar": {"id": "/alice/work/", "name": "Work", "time_zone": "Europe/Vienna"},
    "settings": SETTINGS,
    "last_sync_at": "2027-01-04T08:05:00Z",
    "last_run_at": "2027-01-04T08:10:00Z",
    "fresh_as_of": "2027-01-04T08:10:00Z",
    "next_run_at": "2027-01-04T08:25:00Z",
    "version": 3,
}
RUN: dict[str, Any] = {
    "id": "b7Kp0sXv3nQe",
    "integration_id": "8fQ2mT5wYb1k",
    "kind": "range",
    "trigger": "manual",
    "status": "succeeded",
    "reason": None,
    "counters": {"retrieved": 12},
    "created_at": "2027-01-04T08:04:59Z",
    "started_at": "2027-01-04T08:05:00Z",
    "finished_at": "2027-01-04T08:05:02Z",
    "request_id": "req_4f6c1d2e9a7b",
    "plan": [],
}
QUEUED = RUN | {"status": "queued", "counters": {}, "started_at": None, "finished_at": None}
CHANGE = {"field": "title", "before": "Visit", "after": "Visit, bring a ladder"}
LOG = {
    "id": 4711,
    "run_id": "b7Kp0sXv3nQe",
    "integration_id": "8fQ2mT5wYb1k",
    "at": "2027-01-04T08:05:01Z",
    "action": "update",
    "direction": "retrieve",
    "item_id": "m3Zr8tUw1cVy",
    "remote_id": "/alice/work/visit.ics",
    "code": None,
    "title": "Visit, bring a ladder",
    "changes": [CHANGE],
}
LINK: dict[str, Any] = {
    "integration_id": "8fQ2mT5wYb1k",
    "item_id": "m3Zr8tUw1cVy",
    "state": "synced",
    "reason": None,
    "since": "2027-01-04T08:05:01Z",
    "remote_id": "/alice/work/visit.ics",
    "web_link": None,
    "synced_version": 2,
    "made_by": "them",
    "title": "Visit, bring a ladder",
    "withheld": [],
}
KNOWN = {
    "id": "0d9f6c2b7a41",
    "integration_id": "8fQ2mT5wYb1k",
    "remote_id": "/alice/work/lunch.ics",
    "state": "ambiguous",
    "code": None,
    "starts_at": "2027-01-05T09:00:00Z",
    "ends_at": "2027-01-05T10:00:00Z",
}
