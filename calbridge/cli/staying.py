"""What a verb does first that stays until it is stopped."""

from __future__ import annotations

import os
import time

from calbridge.cli.session import Session
from calbridge.log import configure_logging


def stay(session: Session) -> None:
    """Log as LOG_LEVEL says, and count in UTC. Raises SettingsInvalid."""
    configure_logging(session.settings.log_level)
    os.environ["TZ"] = "UTC"
    time.tzset()
