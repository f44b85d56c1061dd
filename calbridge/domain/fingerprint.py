"""Keyed fingerprints of meaning (SYNC A7, A9, C4): they tell whether something is the same, never what it is."""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass, field

from calbridge.domain.content import Content, Span, canonical, normal_text

_ASKED_AGAIN = 512
"""A page of a run asks for the fingerprint of the same event many times."""
_LAST: dict[int, tuple[Content, KeyMaker, str | None]] = {}
"""What was asked last, by the identity of the content, for all tenants together: contents never change."""


@dataclass(frozen=True, slots=True)
class KeyMaker:
    """Makes stable keys and fingerprints for one tenant of one installation."""

    secret: bytes = field(repr=False)
    installation: str
    tenant_id: str

    def stable(self, integration_id: str, item_id: str, generation: int) -> str:
        """The stable key of a create: the integration, and an HMAC over all that makes it unique (C4)."""
        told = json.dumps([self.installation, self.tenant_id, integration_id, item_id, generation])
        return f"cb-{_slug(integration_id)}-{self._mac('key', told)[:32]}"

    def match(self, content: Content) -> str | None:
        """Fingerprint of time and normalised title, for adoption; None where either is missing."""
        last = _LAST.get(id(content))
        if last is not None and last[0] is content and last[1] is self:
            return last[2]
        span = content.span
        told = _time_and_title(span, content.title) if span is not None else None
        found = self._mac("match", told) if told is not None else None
        if len(_LAST) >= _ASKED_AGAIN:
            _LAST.clear()
        _LAST[id(content)] = (content, self, found)
        return found

    def fingerprint(self, content: Content) -> str:
        """Fingerprint of the whole meaning."""
        told = sorted((key, name.value, repr(canonical(value))) for (key, name), value in content.units.items())
        return self._mac("content", json.dumps(told))

    def new_id(self) -> str:
        """A fresh random id of 128 bits, text."""
        return secrets.token_hex(16)

    def _mac(self, purpose: str, told: str) -> str:
        return hmac.digest(self.secret, f"{purpose}:{told}".encode(), "sha256").hex()


def _time_and_title(span: Span, title: str) -> str | None:
    title = normal_text(title).casefold()
    if not title:
        return None
    dates = span.start.is_date
    ends = (span.start.key, span.end.key) if dates else (str(span.start.instant()), str(span.end.instant()))
    return json.dumps([*ends, span.recurring, title])


def _slug(text: str) -> str:
    return "".join(sign for sign in text if sign.isalnum())[:24]
