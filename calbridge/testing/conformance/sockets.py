"""Who opens connections: an audit hook sees them all, also those of vendor libraries (C6)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

TRANSPORT = "calbridge.connectors.transport"
_watchers: list[list[tuple[object, bool]]] = []
_installed = False


def _audit(event: str, args: tuple[object, ...]) -> None:
    if event == "socket.connect" and _watchers:
        guarded = _by_transport(sys._getframe())
        for watcher in _watchers:
            watcher.append((args[1], guarded))


def _by_transport(frame: FrameType | None) -> bool:
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith(TRANSPORT):
            return True
        frame = frame.f_back
    return False


@contextmanager
def watched() -> Iterator[list[tuple[object, bool]]]:
    """Every connection of the process in this block: where to, and whether the transport opened it."""
    global _installed
    if not _installed:
        sys.addaudithook(_audit)
        _installed = True
    seen: list[tuple[object, bool]] = []
    _watchers.append(seen)
    try:
        yield seen
    finally:
        # By identity: two empty lists are equal.
        _watchers[:] = [each for each in _watchers if each is not seen]


@contextmanager
def proxies_in_environment(url: str) -> Iterator[None]:
    """The environment asks for a proxy in all the ways libraries know."""
    names = [name for stem in ("http_proxy", "https_proxy", "all_proxy") for name in (stem, stem.upper())]
    before = {name: os.environ.get(name) for name in [*names, "no_proxy", "NO_PROXY"]}
    os.environ.update(dict.fromkeys(names, url) | {"no_proxy": "", "NO_PROXY": ""})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
