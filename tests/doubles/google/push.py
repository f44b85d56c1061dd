"""Push channels and their messages (dossier 7)."""

from __future__ import annotations

import http.client
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from tests.doubles.google.quirks import Quirks
from tests.doubles.google.refusing import ApiError, bad
from tests.doubles.google.times import Resource

_AGAIN = frozenset({500, 502, 503, 504})
_GOOD = frozenset({200, 201, 202, 204})


@dataclass
class Channel:
    """One subscription."""

    id: str
    calendar: str
    resource_id: str
    address: str
    token: str | None
    expires_at: datetime
    number: int = 0


@dataclass
class Message:
    """One message: where it went, what it said, how it was answered (0: not at all)."""

    address: str
    headers: dict[str, str]
    statuses: list[int] = field(default_factory=list)


class Pushing:
    """Delivers messages in the order of changes, by one thread. ``routes``: host of an address to a loopback port."""

    def __init__(self, quirks: Quirks, now: Callable[[], datetime]) -> None:
        self._quirks = quirks
        self._now = now
        self.channels: dict[str, Channel] = {}
        self.used_ids: set[str] = set()
        self.routes: dict[str, int] = {}
        self.messages: list[Message] = []
        self._queue: queue.Queue[Message | None] = queue.Queue()
        self._thread = threading.Thread(target=self._deliver, name="google-push")
        self._thread.start()

    def watch(self, calendar: str, given: Mapping[str, object]) -> Resource:
        """events.watch."""
        if given.get("type") != "web_hook":
            raise bad("Unknown channel type", "resource.type", "channelUnknown")
        name, token, address = (str(given.get(key) or "") for key in ("id", "token", "address"))
        if not 0 < len(name) <= 64 or len(token) > 256:
            raise bad("Channel id or token too long", "resource.id", "invalid")
        if name in self.used_ids:
            raise bad(f"Channel id {name} not unique", "resource.id", "channelIdNotUnique")
        if not address.startswith("https://"):
            raise bad("WebHook callback must be HTTPS", "resource.address", "push.webhookUrlNotHttps")
        channel = Channel(name, calendar, f"res-{calendar}", address, token or None, self._until(given))
        self.used_ids.add(name)
        self.channels[name] = channel
        self._send(channel, "sync")
        if self._quirks.sync_message_first:
            self.flush()
        told = {"kind": "api#channel", "id": name, "resourceId": channel.resource_id}
        told["resourceUri"] = f"https://www.googleapis.com/calendar/v3/calendars/{calendar}/events"
        told["expiration"] = str(int(channel.expires_at.timestamp() * 1000))
        return told | ({"token": token} if token else {})

    def _until(self, given: Mapping[str, object]) -> datetime:
        longest = self._now() + timedelta(seconds=self._quirks.longest_channel)
        params = given.get("params")
        if isinstance(params, dict) and "ttl" in params:
            return min(longest, self._now() + timedelta(seconds=int(params["ttl"])))
        if given.get("expiration"):
            return min(longest, datetime.fromtimestamp(int(str(given["expiration"])) / 1000, self._now().tzinfo))
        return longest

    def stop(self, given: Mapping[str, object]) -> None:
        """channels.stop."""
        channel = self.channels.get(str(given.get("id")))
        if channel is None or channel.resource_id != given.get("resourceId"):
            raise ApiError(404, "notFound", "Channel not found for project.")
        del self.channels[channel.id]
        if self._quirks.stops_late:
            self._send(channel, "exists")

    def changed(self, calendar: str) -> None:
        """Something in a calendar changed."""
        for channel in list(self.channels.values()):
            if channel.calendar == calendar and self._now() < channel.expires_at:
                self._send(channel, "exists")

    def _send(self, channel: Channel, state: str) -> None:
        channel.number += 1 if state == "sync" else 7
        headers = {
            "X-Goog-Channel-ID": channel.id,
            "X-Goog-Message-Number": str(channel.number),
            "X-Goog-Resource-ID": channel.resource_id,
            "X-Goog-Resource-State": state,
            "X-Goog-Resource-URI": f"https://www.googleapis.com/calendar/v3/calendars/{channel.calendar}/events?alt=json",
            "X-Goog-Channel-Expiration": f"{channel.expires_at:%a, %d %b %Y %H:%M:%S} GMT",
        }
        if channel.token is not None:
            headers["X-Goog-Channel-Token"] = channel.token
        self._queue.put(Message(channel.address, headers))

    def flush(self) -> None:
        """Wait until everything was delivered."""
        self._queue.join()

    def close(self) -> None:
        """End the thread."""
        self._queue.put(None)
        self._thread.join()

    def _deliver(self) -> None:
        while (message := self._queue.get()) is not None:
            for _ in range(3):
                message.statuses.append(self._post(message))
                if message.statuses[-1] not in _AGAIN:
                    break
            self.messages.append(message)
            self._queue.task_done()
        self._queue.task_done()

    def _post(self, message: Message) -> int:
        parts = urlsplit(message.address)
        port = self.routes.get(parts.hostname or "")
        if port is None:
            return 0
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, b"", {**message.headers, "Content-Length": "0"})
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()
