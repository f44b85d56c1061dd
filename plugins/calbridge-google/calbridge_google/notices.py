"""Messages of push channels, read without Google's library (contract C12, guide on push notifications)."""

from __future__ import annotations

from calbridge.connectors.contract import Heard, Notice

_CHANGES = frozenset({"exists", "not_exists"})
"""States of a message; the first one of a channel says ``sync``."""


def read_notice(notice: Notice) -> Heard:
    """A message has no body and no signature: its channel and token say what it is worth."""
    channel = notice.headers.get("x-goog-channel-id")
    state = notice.headers.get("x-goog-resource-state", "")
    return Heard(channel or None, notice.headers.get("x-goog-channel-token"), changed=state in _CHANGES)
