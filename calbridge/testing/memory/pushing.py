"""Push subscriptions of the memory service (C12), and its notices: they lie there until a test delivers them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from calbridge.connectors.contract import Heard, Notice, Subscription, Watch
from calbridge.errors import Rejected
from calbridge.testing.memory.state import Pushed, Subscribed

if TYPE_CHECKING:
    from calbridge.testing.memory.service import MemoryService

LIFE = timedelta(days=7)


def subscribe(service: MemoryService, calendar: str, wanted: Subscription) -> Watch:
    """A subscription; its first notice says that nothing changed, and is under way before the answer is."""
    service.calendar(calendar)
    if wanted.id in service.state.subscription_ids or not wanted.address.startswith("https://"):
        raise Rejected("an id is used once, an address is https")
    made = Subscribed(wanted.id, calendar, wanted.address, wanted.token, service.now + LIFE)
    service.state.subscription_ids.add(wanted.id)
    service.state.subscriptions[wanted.id] = made
    _push(service, made, "sync")
    return Watch(wanted.id, made.expires_at)


def unsubscribe(service: MemoryService, watch: Watch) -> None:
    """The end of one, if it has not ended."""
    service.state.subscriptions.pop(watch.state, None)


def tell_subscribers(service: MemoryService, calendar: str) -> None:
    """Something changed in a calendar."""
    for each in service.state.subscriptions.values():
        if each.calendar == calendar and service.now < each.expires_at:
            _push(service, each, "changed")


def _push(service: MemoryService, to: Subscribed, state: str) -> None:
    headers = {"x-memory-id": to.id, "x-memory-token": to.token, "x-memory-state": state}
    service.state.pushed.append(Pushed(to.address, headers))


def read_notice(notice: Notice) -> Heard:
    """What the registered connector's ``notices`` names. A query ``challenge`` wants to be sent back."""
    if "challenge" in notice.query:
        return Heard(None, status=200, content_type="text/plain", body=notice.query["challenge"].encode())
    named = (notice.headers.get("x-memory-id"), notice.headers.get("x-memory-token"))
    return Heard(*named, changed=notice.headers.get("x-memory-state") == "changed", status=202 if notice.known else 204)
