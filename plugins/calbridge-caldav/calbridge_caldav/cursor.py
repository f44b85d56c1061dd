"""The cursor as the core stores it: a small JSON text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from calbridge.errors import CursorExpired

Kind = Literal["sync", "ctag", "list"]
_KINDS: dict[str, Kind] = {"sync": "sync", "ctag": "ctag", "list": "list"}


@dataclass(frozen=True, slots=True)
class Cursor:
    """``sync``: a sync-token (RFC 6578). ``ctag``: a collection tag. ``list``: the server has neither."""

    kind: Kind
    mark: str = ""

    @property
    def text(self) -> str:
        """For the core."""
        return json.dumps({"kind": self.kind, "mark": self.mark}, separators=(",", ":"))


def read_cursor(text: str) -> Cursor:
    """Raises CursorExpired for a text that is not ours."""
    try:
        told = json.loads(text)
        return Cursor(_KINDS[told["kind"]], str(told["mark"]))
    except (ValueError, KeyError, TypeError) as error:
        raise CursorExpired("not a cursor of this connector") from error
