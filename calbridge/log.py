"""The log: JSON lines that say what happened to which run, and never a secret or the text of an item.

Own events go through structlog. Other libraries' records are reduced to what can't hold anybody's data: their
template without the values, and where it was logged. Exceptions keep type, code and frames; the message stays only
if the exception is ours, because a library's message may quote what it was given.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from enum import Enum
from pathlib import PurePath
from traceback import extract_tb
from typing import TextIO
from uuid import UUID

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from calbridge.errors import CalbridgeError

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


def get_logger(name: str) -> FilteringBoundLogger:
    """The logger of a module; call it with ``__name__``."""
    logger: FilteringBoundLogger = structlog.get_logger(module=name)
    return logger


def configure_logging(level: str = "info", stream: TextIO | None = None) -> None:
    """Send the log of this process to ``stream`` (standard error where none is given), from ``level`` upwards."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[structlog.processors.add_log_level, *_STEPS, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LibraryFormatter())
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(number, logging.WARNING))


@contextmanager
def bound(**ids: str | int | None) -> Iterator[None]:
    """Put ``ids`` (``run_id``, ``integration_id``, ``request_id``, ...) on every line logged inside."""
    with structlog.contextvars.bound_contextvars(**{name: value for name, value in ids.items() if value is not None}):
        yield


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
    moment = structlog.processors.TimeStamper(fmt="iso", utc=True)(logger, method, {})["timestamp"]
    return {"timestamp": moment, **event}


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
    structlog.contextvars.merge_contextvars,
    _stamp,
    render_exception,
    redact,
)
"""What every line goes through, ours and those of libraries, before it is written as JSON."""
