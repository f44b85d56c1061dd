"""API keys as they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from calbridge.store.api_keys import ApiKey


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key without its secret. ``prefix`` is how the key begins, so that a person can tell two apart."""

    id: str
    role: str
    name: str
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewKeyView:
    """A key that was just made, with the text to present, which is shown this once."""

    id: str
    role: str
    name: str
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    key: str


def key_view(stored: ApiKey) -> KeyView:
    """A stored key as it is shown."""
    return KeyView(
        stored.id,
        stored.role,
        stored.name,
        stored.prefix,
        stored.created_at,
        stored.expires_at,
        stored.last_used_at,
    )


def new_key_view(stored: ApiKey, key: str) -> NewKeyView:
    """A fresh key with its text."""
    return NewKeyView(
        stored.id, stored.role, stored.name, stored.prefix, stored.created_at, stored.expires_at, None, key
    )
