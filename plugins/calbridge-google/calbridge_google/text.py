"""Descriptions: Google shows HTML, and people's edits in its page come back as HTML (SYNC A6)."""

from __future__ import annotations

import html
import re

import nh3

from calbridge.domain.content import Text, normal_text

_MARKUP = re.compile(r"<[a-zA-Z/!?][^>]*>|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_BREAK = re.compile(r"<\s*(?:br|/p|/div|/li|/tr|/h[1-6])\b[^>]*>", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def clean(text: str) -> str:
    """Without control characters, which no calendar shows."""
    return _CONTROLS.sub("", text)


def text_of(description: object) -> Text:
    """What a description says; ``html`` where it holds markup."""
    raw = clean(description) if isinstance(description, str) else ""
    if _MARKUP.search(raw) is None:
        return Text(raw)
    return Text(_plain(raw), raw)


def _plain(markup: str) -> str:
    return html.unescape(nh3.clean(_BREAK.sub("\n", markup), tags=set())).strip()


def description_of(text: Text) -> str:
    """What is stored: the HTML where it says the same, else the plain text, escaped where it would be read as HTML."""
    if text.html and normal_text(_plain(clean(text.html))) == normal_text(text.plain):
        return clean(text.html)
    plain = clean(text.plain).replace("\r\n", "\n").replace("\r", "\n")
    if _MARKUP.search(plain) is None:
        return plain
    return html.escape(plain, quote=False).replace("\n", "<br>")
