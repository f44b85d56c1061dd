"""The one transport: URL guard, time-outs, limits, kept connections (DESIGN: Security, URLs; contract C6).

The core speaks HTTP/1.1 by the standard library over sockets that :mod:`.dial` opens. It does not build on
urllib3: that import name is claimed by two distributions (urllib3 and urllib3-future, which niquests brings along),
and a guard must not hang on the private parts of whichever was installed last. Vendor libraries that need a
``requests`` session get the one of :mod:`.session` (imported on its own: ``requests`` is slow to load).
"""

from calbridge.connectors.transport.client import Transport
from calbridge.connectors.transport.reach import Grant, Reach
from calbridge.connectors.transport.redirect import follow
from calbridge.connectors.transport.resolver import Resolver, system_resolver
from calbridge.connectors.transport.retry import backoff, idempotent_retry
from calbridge.connectors.transport.status import looks_like_html, raise_for_status_class, retry_after
from calbridge.connectors.transport.values import BasicAuth, Counters, Headers, Request, Response
from calbridge.connectors.transport.xml import parse_xml

__all__ = [
    "BasicAuth",
    "Counters",
    "Grant",
    "Headers",
    "Reach",
    "Request",
    "Resolver",
    "Response",
    "Transport",
    "backoff",
    "follow",
    "idempotent_retry",
    "looks_like_html",
    "parse_xml",
    "raise_for_status_class",
    "retry_after",
    "system_resolver",
]
