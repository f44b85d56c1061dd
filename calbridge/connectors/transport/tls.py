"""TLS settings: verified certificates, TLS 1.2 or newer."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache

import certifi

from calbridge.errors import SettingsInvalid


def tls_context(ca_file: str | None, *, protocol: str | None = "http/1.1") -> ssl.SSLContext:
    """A context that trusts ``ca_file`` alone, or, without it, the system's store and the Mozilla list.

    ``protocol`` is what the client says it speaks (RFC 7301).

    Contexts are shared inside a process, as loading certificates costs more than a poll; a changed file is
    loaded anew. Raises SettingsInvalid for a file that can't be used.
    """
    if ca_file is None:
        return _context(None, 0, protocol)
    try:
        return _context(ca_file, os.stat(ca_file).st_mtime_ns, protocol)
    except OSError as error:  # ssl.SSLError is one too
        raise SettingsInvalid("the CA file can't be used", ca_file=ca_file) from error


@lru_cache(maxsize=32)
def _context(ca_file: str | None, modified_ns: int, protocol: str | None) -> ssl.SSLContext:
    # Not ssl.create_default_context: that one writes session keys where SSLKEYLOGFILE says so.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if protocol is not None:
        context.set_alpn_protocols([protocol])
    if ca_file is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    context.load_verify_locations(cafile=ca_file or certifi.where())
    return context
