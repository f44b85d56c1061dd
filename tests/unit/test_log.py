"""The log: JSON lines with the ids of the run, and no secret or item text, whatever is thrown at it."""

from __future__ import annotations

import io
import json
import logging
import warnings
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest

from calbridge.errors import Unavailable
from calbridge.log import (
    bound,
    clean_text,
    configure_logging,
    get_logger,
    logging_configured,
    reset_logging,
)

CANARY = "canary-7f3a"


class Log(io.StringIO):
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def log(quiet_again: None) -> Log:
    stream = Log()
    configure_logging("info", stream)
    return stream


def test_each_event_is_one_line_of_json(log: Log) -> None:
    get_logger("calbridge.sync.run").info("run_finished", written=3, text_of_two_lines="a\nb")

    (line,) = log.lines()
    assert datetime.fromisoformat(line.pop("timestamp")).tzinfo == UTC
    assert line == {
        "module": "calbridge.sync.run",
        "level": "info",
        "event": "run_finished",
        "written": 3,
        "text_of_two_lines": "a\nb",
    }


def test_run_and_integration_are_on_every_line_inside_and_on_none_outside(log: Log) -> None:
    with bound(run_id="r1", integration_id="i1", request_id=None):
        get_logger("a").info("inside")
        logging.getLogger("library").warning("trouble with %s", "x")
    get_logger("a").info("outside")

    inside, library, outside = log.lines()
    assert (inside["run_id"], inside["integration_id"]) == ("r1", "i1")
    assert (library["run_id"], library["integration_id"]) == ("r1", "i1")
    assert "request_id" not in inside
    assert not {"run_id", "integration_id"} & outside.keys()


def test_nothing_is_written_before_the_process_has_said_where_to(quiet_again: None) -> None:
    stream = Log()
    configure_logging("info", stream)
    reset_logging()
    get_logger("a").error("lost")

    assert not logging_configured()
    assert stream.lines() == []


def test_the_level_decides_what_is_logged(log: Log) -> None:
    get_logger("a").debug("too_small")
    logging.getLogger("library").info("too small, too")

    assert log.lines() == []


@dataclass
class Event:
    title: str


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    "facts",
    [
        {"password": CANARY},
        {"app_password": CANARY},
        {"client_secret": CANARY},
        {"access_token": CANARY},
        {"secret_keys": (CANARY,)},
        {"account": {"headers": [{"Authorization": CANARY}]}},
        {"Cookie": CANARY},
        {"credentials": {"user": CANARY}},
        {"api_key": CANARY},
        {"title": CANARY},
        {"item": {"description": {"html": CANARY}}},
        {"fields": [{"location": CANARY}]},
        {"attendees": [CANARY]},
        {"native": CANARY.encode()},
        {"url": f"https://alice:{CANARY}@cal.example.com/dav/"},
        {"url": f"https://cal.example.com/dav/?token={CANARY}&x=1#{CANARY}"},
        {"database": f"postgresql+psycopg://u:{CANARY}@db.example.com/x?password={CANARY}"},
        {"header": f"Authorization: Basic {CANARY}"},
        {"header": f"bearer {CANARY}"},
        {"seen": Event(CANARY)},
        {"seen": [Event(CANARY)]},
        {"seen": {f"https://x:{CANARY}@cal.example.com": 1}},
        {"body_bytes": CANARY.encode()},
        {"view": memoryview(CANARY.encode())},
    ],
)
def test_a_planted_canary_never_reaches_the_log(log: Log, facts: dict[str, object]) -> None:
    get_logger("a").warning("planted", **facts)

    (line,) = log.lines()
    assert line["event"] == "planted"
    assert CANARY not in log.getvalue()


def test_a_canary_in_the_event_itself_is_cut_out_of_its_url(log: Log) -> None:
    get_logger("a").warning(f"went to https://u:{CANARY}@cal.example.com/x?{CANARY}")

    assert log.lines()[0]["event"] == "went to https://cal.example.com/x?[hidden]"


def test_what_is_harmless_stays_readable(log: Log) -> None:
    moment = datetime(2027, 1, 5, 10, tzinfo=UTC)
    get_logger("a").info(
        "facts", n=1, part=0.5, yes=True, none=None, password=None, at=moment, day=date(2027, 1, 5), red=Colour.RED,
        took=timedelta(seconds=2), id=UUID(int=1), path=PurePosixPath("/a/b"), ids={"one"}, nested={"n": [1, 2]},
    )  # fmt: skip

    (line,) = log.lines()
    assert line | {"timestamp": ""} == {
        "timestamp": "", "module": "a", "level": "info", "event": "facts", "n": 1, "part": 0.5, "yes": True,
        "none": None, "password": None, "at": "2027-01-05T10:00:00+00:00", "day": "2027-01-05", "red": "red",
        "took": "0:00:02", "id": "00000000-0000-0000-0000-000000000001", "path": "/a/b", "ids": ["one"],
        "nested": {"n": [1, 2]},
    }  # fmt: skip


def test_an_exception_of_ours_keeps_its_message_and_a_library_one_does_not(log: Log) -> None:
    def fail() -> None:
        try:
            raise ValueError(CANARY)
        except ValueError as error:
            raise Unavailable("no answer", host="cal.example.com") from error

    try:
        fail()
    except Unavailable:
        get_logger("a").exception("request_failed")

    told = log.lines()[0]["error"]
    assert (told["type"], told["code"]) == ("calbridge.errors.Unavailable", "unavailable")
    assert told["message"] == "unavailable: no answer (host=cal.example.com)"
    assert [frame.split(" ")[-1] for frame in told["frames"]][-1] == "fail"
    assert told["cause"]["type"] == "builtins.ValueError"
    assert CANARY not in log.getvalue()


def test_the_log_of_a_library_is_its_template_without_the_values(log: Log) -> None:
    library = logging.getLogger("library.part")
    library.warning("retrying %s", CANARY)
    library.error(f"the body was {CANARY}")
    try:
        raise ValueError(CANARY)
    except ValueError:
        library.exception("failed for %s", CANARY)

    first, second, third = log.lines()
    assert (first["event"], first["level"], first["module"]) == ("retrying %s", "warning", "library.part")
    assert (second["event"], second["level"]) == ("library message", "error")
    assert second["where"].startswith("test_log.py:")
    assert third["error"]["type"] == "builtins.ValueError"
    assert CANARY not in log.getvalue()


def test_warnings_go_into_the_log_without_their_text(log: Log) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        configure_logging("info", log)
        warnings.warn(f"old use of {CANARY}", stacklevel=1)
        logging.captureWarnings(False)

    assert log.lines()[0]["module"] == "py.warnings"
    assert CANARY not in log.getvalue()


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (
            "see https://cal.example.com/a/alice@example.com/b.ics",
            "see https://cal.example.com/a/alice@example.com/b.ics",
        ),
        ("https://a:b@c@cal.example.com", "https://cal.example.com"),
        ("sqlite:///var/calbridge.db", "sqlite:///var/calbridge.db"),
        ("no address at all", "no address at all"),
    ],
)
def test_addresses_lose_only_what_may_be_secret(text: str, clean: str) -> None:
    assert clean_text(text) == clean
