"""Real CalDAV servers on loopback, for tests, the demo and the bench.

Usable without pytest::

    with radicale(folder) as server:
        calendar = server.make_calendar("work")

The pytest fixtures are in :mod:`tests.servers.fixtures`.
"""

from __future__ import annotations

from tests.servers.calendar_server import CalendarServer
from tests.servers.radicale import radicale
from tests.servers.xandikos import xandikos

__all__ = ["CalendarServer", "radicale", "xandikos"]
