"""A strict webhook endpoint on loopback: it takes what a receiver by the book would take, and misbehaves on request."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import time_machine
from standardwebhooks import Webhook

from calbridge.service import hosts, webhooks
from calbridge.service.webhook_views import NewWebhookView
from tests.integration.service.world import TENANT, World
from tests.integration.transport.wire_server import Heard, Server, say

Behaviour = Callable[["Got"], bytes | None]
"""The bytes of the answer; None ends the connection without one."""


class Cut(bytes):
    """An answer after which the connection ends."""


@dataclass(frozen=True)
class Got:
    """One message as it arrived."""

    heard: Heard

    @property
    def id(self) -> str:
        return self.heard.headers["webhook-id"]

    @property
    def body(self) -> dict[str, Any]:
        found = json.loads(self.heard.body)
        assert isinstance(found, dict)
        return found

    @property
    def type(self) -> str:
        return str(self.body["type"])

    @property
    def subject(self) -> str:
        data = self.body["data"]
        return str(data.get("item_id") or data.get("integration_id") or data.get("webhook_id"))

    @property
    def seq(self) -> int:
        return int(self.body["data"]["seq"])

    @property
    def signatures(self) -> list[str]:
        return self.heard.headers["webhook-signature"].split(" ")

    def verify(self, secret: str) -> None:
        """By the library that receivers use, on the clock of the sender. Raises WebhookVerificationError."""
        with time_machine.travel(float(self.heard.headers["webhook-timestamp"]), tick=False):
            Webhook(secret).verify(self.heard.body, self.heard.headers)


def ok(got: Got) -> bytes:
    return say("204 No Content")


def status(line: str, **fields: str) -> Behaviour:
    """Always this status."""
    return lambda got: say(line, **fields)


@dataclass
class Receiver:
    """``behave`` may be changed at any time; ``together`` is the most messages of one subject that it had at a time."""

    behave: Behaviour = ok
    got: list[Got] = field(default_factory=list)
    together: int = 0
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._open: Counter[str] = Counter()
        self._server = Server(self._answer)
        self.port = self._server.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=canary-in-url"

    def close(self) -> None:
        self._server.close()

    def _answer(self, heard: Heard, sock: socket.socket) -> bool:
        got = Got(heard)
        if heard.line != "POST /hook?token=canary-in-url HTTP/1.1":
            self.wrong.append(heard.line)
        if heard.headers.get("content-type") != "application/json":
            self.wrong.append(str(heard.headers))
        with self._lock:
            self._open[got.subject] += 1
            self.together = max(self.together, self._open[got.subject])
            self.got.append(got)
        answer = self.behave(got)
        with self._lock:
            self._open[got.subject] -= 1
        if answer is None:
            return False
        sock.sendall(answer)
        return not isinstance(answer, Cut)

    def types(self) -> list[str]:
        return [each.type for each in self.got]

    def order(self, subject: str) -> list[int]:
        """Places of the messages of one item, as they came, without what came again."""
        seen: list[int] = []
        for each in self.got:
            if each.subject == subject and each.seq not in seen:
                seen.append(each.seq)
        return seen


def hook(world: World, receiver: Receiver, **more: Any) -> NewWebhookView:
    """A webhook of the tenant at this receiver."""
    hosts.grant_host(world.parts, TENANT, f"127.0.0.1:{receiver.port}")
    return webhooks.add_webhook(world.parts, TENANT, {"url": receiver.url, **more})
