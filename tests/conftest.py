"""What every test may use."""

from __future__ import annotations

import io
import logging
import os
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from calbridge.log import configure_logging, reset_logging

pytest_plugins = ["tests.servers.fixtures"]

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    """Interrupts and hangups are heard by what tests start, also where a shell had the tests themselves ignore them."""
    for number, heard in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, heard)


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Bytes name no test: packed ones hold the time, and processes that share the work must find equal names."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture
def quiet_again() -> Iterator[None]:
    """Puts the logging of this process back, which a command sets up for itself."""
    root, show = logging.getLogger(), warnings.showwarning
    handlers, level = list(root.handlers), root.level
    yield
    logging.captureWarnings(False)
    root.handlers, warnings.showwarning = handlers, show
    root.setLevel(level)
    reset_logging()


@pytest.fixture
def log(quiet_again: None) -> io.StringIO:
    """All that this process logs, at the most talkative level."""
    stream = io.StringIO()
    configure_logging("debug", stream)
    return stream


@pytest.fixture(scope="session")
def shared_corpus() -> Path:
    """The folder with the real calendar files, `corpus/ics` under CALBRIDGE_SHARED (`../shared` by default).

    It does not belong to this repository: where it is absent its tests are skipped and say so. Continuous
    integration (CALBRIDGE_CI=1) demands it, so there they fail.
    """
    corpus = Path(os.environ.get("CALBRIDGE_SHARED") or ROOT.parent / "shared") / "corpus" / "ics"
    if not corpus.is_dir():
        missing = "the shared corpus is not here: set CALBRIDGE_SHARED to the folder that holds corpus/ics"
        if os.environ.get("CALBRIDGE_CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return corpus
