"""What may be written to a terminal: text that can't steer it, and tables that line up without one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len

_JOINERS = "\u200c\u200d"
"""Needed inside words of some scripts and inside emoji; harmless."""
_STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What JSON leaves as it is but a terminal or a reader would obey: C1 controls and bidirectional marks; and half
characters, which can't be written at all."""


def harmless(text: str) -> str:
    """``text`` on one line and without characters that a terminal would obey; calendars hold anything."""
    return "".join(_harmless(character) for character in text)


def harmless_json(text: str) -> str:
    """A JSON document whose strings can't steer a terminal; its meaning stays the same."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def plain_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns that line up, two spaces between them, nothing cut: for files, pipes and small screens."""
    lines = [list(headers), *map(list, rows)]
    widths = [max(cell_len(line[column]) for line in lines) for column in range(len(headers))]
    return "\n".join(
        "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _harmless(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    return " " if character.isspace() else "\N{REPLACEMENT CHARACTER}"
