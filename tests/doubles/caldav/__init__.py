"""A strict and, on demand, hostile CalDAV server on loopback.

:class:`Quirks` lists the oddities, one switch each. With none set the double is a correct server that refuses, and
records in ``breaches``, what a careful client never sends.
"""

from __future__ import annotations

from tests.doubles.caldav.double import CalDavDouble, caldav_double
from tests.doubles.caldav.quirks import Quirks
from tests.doubles.caldav.site import Breach, Mail

__all__ = ["Breach", "CalDavDouble", "Mail", "Quirks", "caldav_double"]
