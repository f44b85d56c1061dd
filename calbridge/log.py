"""The log: JSON lines that say what happened to which run, and never a secret or the text of an item.

Own events go through structlog. Other libraries' records are reduced to what can't hold anybody's data: their
template without the values, and where it was logged. Exceptions keep type, code and frames; the message stays only
if the exception is ours, because a library's message may quote what it was given.

structlog is loaded with the first line that is written: it takes a quarter of the time in which a command is there, and
most commands write none.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from pathlib import PurePath
from traceback import extract_tb
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID

from calbridge.errors import CalbridgeError

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

HIDDEN = "[hidden]"
SECRET_KEY = re.compile(r"passw|passphrase|secret|token|authorization|cookie|credential|api_?key|private_?key", re.I)
ITEM_TEXT_KEY = re.compile(r"^(title|summary|description|location|comment|text|html|body|native|attendees?)$", re.I)
URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<authority>[^\s/?#\"'<>]*)(?P<path>[^\s?#\"'<>]*)(?P<rest>[^\s\"'<>]*)", re.I
)
CREDENTIALS = re.compile(r"\b(basic|bearer|digest)\s+[^\s,;\"']+", re.I)
SECRET_PATH = re.compile(r"(/v1/notifications/[^/\s]*/)[^\s?#\"'<>]+")
"""The last part is what a calendar service proves itself with."""
FRAMES = 12
"""Frames that are told of an exception, the innermost ones."""


@dataclass(frozen=True)
class _Choice:
    """From which level upwards lines are written, and where to."""

    level: int
    stream: TextIO


_BOUND: ContextVar[Mapping[str, str | int]] = ContextVar("bound", default=MappingProxyType({}))
_choice: _Choice | None = None


@dataclass(frozen=True)
class Logger:
    """The logger of a module. ``event`` names what happened, as one word; all else are facts about it."""

    module: str

    def debug(self, event: str, **facts: Any) -> None:
        """What only somebody who looks for a fault wants to know."""
        self._write(logging.DEBUG, event, facts)

    def info(self, event: str, **facts: Any) -> None:
        """What happens all the time."""
        self._write(logging.INFO, event, facts)

    def warning(self, event: str, **facts: Any) -> None:
        """What may need a look."""
        self._write(logging.WARNING, event, facts)

    def error(self, event: str, **facts: Any) -> None:
        """What needs a look."""
        self._write(logging.ERROR, event, facts)

    def exception(self, event: str, **facts: Any) -> None:
        """The same of the exception that is being handled."""
        self._write(logging.ERROR, event, {"exc_info": True} | facts)

    def _write(self, level: int, event: str, facts: Mapping[str, Any]) -> None:
        if _choice is not None and level >= _choice.level:
            _structlog(_choice).log(level, event, module=self.module, **facts)


def get_logger(name: str) -> Logger:
    """The logger of a module; call it with ``__name__``."""
    return Logger(name)


def _structlog(choice: _Choice) -> Any:
    import structlog

    return structlog.wrap_logger(
        structlog.WriteLogger(choice.stream),
        processors=[structlog.processors.add_log_level, *_STEPS, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(choice.level),
    )


def logging_configured() -> bool:
    """Whether this process has said where its log goes; until then nothing of ours is written."""
    return _choice is not None


def reset_logging() -> None:
    """As before :func:`configure_logging`, but for the handlers of other libraries."""
    global _choice
    _choice = None


def configure_logging(level: str = "info", stream: TextIO | None = None) -> None:
    """Send the log of this process to ``stream`` (standard error where none is given), from ``level`` upwards."""
    global _choice
    number = logging.getLevelNamesMapping()[level.upper()]
    _choice = _Choice(number, stream or sys.stderr)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LibraryFormatter())
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(number, logging.WARNING))


@contextmanager
def bound(**ids: str | int | None) -> Iterator[None]:
    """Put ``ids`` (``run_id``, ``integration_id``, ``request_id``, ...) on every line logged inside."""
    token = _BOUND.set({**_BOUND.get(), **{name: value for name, value in ids.items() if value is not None}})
    try:
        yield
    finally:
        _BOUND.reset(token)


def bind(**ids: str | int) -> None:
    """Put ``ids`` on every line from now on in this context, until :func:`unbind`."""
    _BOUND.set({**_BOUND.get(), **ids})


def unbind(*names: str) -> None:
    """Take these ids off again."""
    _BOUND.set({name: value for name, value in _BOUND.get().items() if name not in names})


def _with_bound(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    return {**_BOUND.get(), **event}


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Hide secrets and item text by the name of their key, at any depth, and what URLs and headers carry."""
    return {name: _clean(name, value) for name, value in event.items()}


def clean_text(text: str) -> str:
    """``text`` without the user info, query and fragment of its URLs, and without authorization values and addresses
    of push subscriptions."""
    return SECRET_PATH.sub(rf"\1{HIDDEN}", CREDENTIALS.sub(rf"\1 {HIDDEN}", URL.sub(_clean_url, text)))


def render_exception(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Replace ``exc_info`` by ``error``: type, code and message of ours, and the frames it came through."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given is True else None
    if isinstance(given, tuple):
        error = given[1]
    if error is not None:
        event["error"] = _describe(error)
    return event


def _describe(error: BaseException) -> dict[str, object]:
    told: dict[str, object] = {"type": f"{type(error).__module__}.{type(error).__qualname__}"}
    if isinstance(error, CalbridgeError):
        told |= {"code": error.code, "message": str(error)}
    frames = extract_tb(error.__traceback__)[-FRAMES:]
    told["frames"] = [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        told["cause"] = _describe(cause)
    return told


def _stamp(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    return {"timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"), **event}


class LibraryFormatter(logging.Formatter):
    """Other libraries' records, in the form of ours and without anything that may be somebody's data."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON. A message without values may have been put together beforehand, so it is left out."""
        event: EventDict = {
            "module": record.name,
            "level": record.levelname.lower(),
            "event": record.msg if record.args and isinstance(record.msg, str) else "library message",
            "where": f"{record.filename}:{record.lineno}",
            "exc_info": record.exc_info,
        }
        for step in _STEPS:
            event = step(None, record.levelname, event)
        return json.dumps(event)


def _clean(name: object, value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(name, str) and (SECRET_KEY.search(name) or ITEM_TEXT_KEY.match(name)):
        return HIDDEN
    if isinstance(value, (int, float)) and not isinstance(value, Enum):
        return value
    if isinstance(value, str) and not isinstance(value, Enum):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): _clean(key, inner) for key, inner in value.items()}
    if isinstance(value, (Set, Sequence)) and not isinstance(value, (bytes, bytearray, memoryview)):
        return [_clean(name, inner) for inner in value]
    return _clean_object(value)


def _clean_object(value: object) -> str:
    """Small values as text; of anything else, an event for one, only the name of its class."""
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Enum):
        return clean_text(str(value.value))
    if isinstance(value, (timedelta, UUID, PurePath)):
        return str(value)
    return f"<{type(value).__qualname__}>"


def _clean_url(match: re.Match[str]) -> str:
    host = match["authority"].rpartition("@")[2]
    return f"{match['scheme']}{host}{match['path']}{'?' + HIDDEN if match['rest'] else ''}"


_STEPS: tuple[Callable[[WrappedLogger, str, EventDict], EventDict], ...] = (
    _with_bound,
    _stamp,
    render_exception,
    redact,
)
"""What every line goes through, ours and those of libraries, before it is written as JSON."""
