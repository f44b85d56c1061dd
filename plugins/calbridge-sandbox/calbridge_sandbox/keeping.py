"""The document changed by any number of processes at once: read, decide, write if nobody else did, else anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from calbridge.connectors.contract import Storage
from calbridge.errors import Unavailable
from calbridge_sandbox.document import Document

TRIES = 200
T = TypeVar("T")


def changing(storage: Storage, act: Callable[[Document], T]) -> T:
    """What ``act`` answers, once the document as it left it is stored; nothing is written where it left all as it was.

    ``act`` may be called several times, each time with a fresh document. Raises Unavailable: others were always faster.
    """
    for _ in range(TRIES):
        content, version = storage.read()
        document = Document.read(content)
        before = document.written()
        answer = act(document)
        after = document.written()
        if after == before or storage.write(after, version):
            return answer
    raise Unavailable("too many write at once")
