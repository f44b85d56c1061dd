"""Push channels (contract C12, guide on push notifications): they only say that something changed."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime

from calbridge.connectors.contract import Subscription, Watch
from calbridge.errors import ConnectorError, NotFound, Unavailable
from calbridge_google.client import CalendarClient, Call


def watch(client: CalendarClient, calendar: str, wanted: Subscription) -> Watch:
    """Open a channel. How long it lives is Google's to say.

    Raises CalendarGone, PermissionMissing, Rejected, Throttled, Unavailable.
    """
    body = {"id": wanted.id, "type": "web_hook", "address": wanted.address, "token": wanted.token}
    told = client.one(Call("watch", {"calendarId": calendar}, "list", body=body))
    try:
        until = datetime.fromtimestamp(int(str(told["expiration"])) / 1000, UTC)
        state = json.dumps({"id": str(told["id"]), "resource": str(told["resourceId"])}, separators=(",", ":"))
    except (KeyError, ValueError, OverflowError, OSError) as error:
        raise Unavailable("a channel without an end", code="malformed_answer", sent=True) from error
    return Watch(state, until)


def renew(client: CalendarClient, calendar: str, former: Watch, wanted: Subscription) -> Watch:
    """A channel can't be extended: a new one is opened, then the former one is stopped; it ends by itself anyway."""
    fresh = watch(client, calendar, wanted)
    with contextlib.suppress(ConnectorError):
        unwatch(client, former)
    return fresh


def unwatch(client: CalendarClient, former: Watch) -> None:
    """Stop a channel; one that is not known any more is stopped. Raises PermissionMissing, Throttled, Unavailable."""
    try:
        told = json.loads(former.state)
        body = {"id": str(told["id"]), "resourceId": str(told["resource"])}
    except (ValueError, KeyError, TypeError):
        return
    with contextlib.suppress(NotFound):
        client.one(Call("stop", {}, "write", resource="channels", body=body))
