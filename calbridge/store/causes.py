"""Why a database can't be used, in a few words of our own: what a driver says may hold a user, a host or a password."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

_SQLITE = {
    "SQLITE_NOTADB": "the file is no SQLite database",
    "SQLITE_CORRUPT": "the file is damaged",
    "SQLITE_READONLY": "the file or its folder may not be written",
    "SQLITE_PERM": "permission denied",
    "SQLITE_IOERR": "its disk can't be read or written",
}
_STATES = {
    "28": "the server refuses the user or the password",
    "3D": "the server has no database of this name",
    "53": "the server has no connection or no memory left",
    "57": "the server is being started or stopped",
    "58": "the server has trouble with its disk",
    "08": "the connection to the server was lost",
}
"""Class of the SQLSTATE."""
_PHRASES = {
    "password": _STATES["28"],
    "authentication": _STATES["28"],
    "role ": _STATES["28"],
    "does not exist": _STATES["3D"],
    "too many": _STATES["53"],
    "starting up": _STATES["57"],
    "shutting down": _STATES["57"],
    "resolve": "the host of the server is not known",
    "translate host": "the host of the server is not known",
    "refused": "no server listens at its address",
    "no such file": "no server listens at its address",
    "unreachable": "no server can be reached at its address",
    "no route": "no server can be reached at its address",
    "timeout": "the server does not answer in time",
    "timed out": "the server does not answer in time",
    "certificate": "the certificate of the server can't be trusted",
    "closed the connection": _STATES["08"],
}
"""What the driver's text begins to say where it has no SQLSTATE, which is while connecting."""


def cause_of(error: BaseException | None, file: str | None) -> str:
    """Why, of a driver's error; ``file`` is where the embedded database lies. Empty where it can't be told."""
    if isinstance(error, sqlite3.Error):
        return _of_file(error, file)
    state = getattr(error, "sqlstate", None)
    if state is not None:
        return _STATES.get(str(state)[:2], "")
    said = str(error).lower()
    return next((told for phrase, told in _PHRASES.items() if phrase in said), "the server can't be reached")


def _of_file(error: sqlite3.Error, file: str | None) -> str:
    name = str(getattr(error, "sqlite_errorname", ""))
    told = next((told for start, told in _SQLITE.items() if name.startswith(start)), "")
    if name.startswith("SQLITE_CANTOPEN"):
        told = "the file can't be opened" if file is None else _not_opened(Path(file))
    return told if file is None or not told else f"{file}: {told}"


def _not_opened(file: Path) -> str:
    try:
        os.close(os.open(file, os.O_RDWR))
    except FileNotFoundError:
        return "the file can't be made" if file.parent.is_dir() else "its folder does not exist"
    except OSError as error:
        return (error.strerror or "the file can't be opened").lower()
    return "the file can't be opened"
