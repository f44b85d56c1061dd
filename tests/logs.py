"""Logging set up as a process does, and put back."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def logging_put_back() -> Iterator[None]:
    """Whatever is set up for the log of this process within, holds no longer."""
    root, show = logging.getLogger(), warnings.showwarning
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.handlers, warnings.showwarning = handlers, show
        root.setLevel(level)
        structlog.reset_defaults()
