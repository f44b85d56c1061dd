"""Threaded HTTP/1.1 on loopback: one listener a host, keep-alive, TLS, and the faults of the wire."""

from __future__ import annotations

import ssl
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.doubles.caldav.answering import answer, concerns
from tests.doubles.caldav.breakage import broken, compressed
from tests.doubles.caldav.log import Logged, RequestLog
from tests.doubles.caldav.messages import Dropped, Request, Response
from tests.doubles.caldav.site import Site
from tests.doubles.listening import LoopbackListener

_DRIPS = 16


class Handler(BaseHTTPRequestHandler):
    """One connection; requests on it one after the other."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: Listener

    def setup(self) -> None:
        super().setup()
        self.connection_id = next(self.server.connection_ids)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Silent: the double has a log of its own."""

    def handle_any(self) -> None:
        """Read the request, log it, answer it."""
        listener = self.server
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        request = Request(self.command, self.path, headers, body, listener.host)
        entry = listener.log.begin(request, self.connection_id)
        try:
            self._answer(request, entry)
        except Dropped:
            self.close_connection = True
        finally:
            listener.log.end()

    def _answer(self, request: Request, entry: Logged) -> None:
        site = self.server.site
        response = answer(site, request)
        faulty = concerns(site, request)
        if site.quirks.breakage is not None and faulty and response.status < 400:
            response = broken(site.quirks.breakage, response)
        elif site.quirks.gzip and response.body and "gzip" in request.headers.get("accept-encoding", ""):
            response = compressed(response, site.quirks.gzip_etag)
        cut = faulty and len(response.body) > 1 and site.count_down("cut_times")
        entry.status, entry.answer_length = response.status, len(response.body)
        self._send(response, cut=cut)

    def _send(self, response: Response, *, cut: bool) -> None:
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        if response.status != 204:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        body = response.body[: len(response.body) // 2] if cut else response.body
        wait = self.server.site.quirks.drip_seconds
        step = max(1, len(body) // _DRIPS) if wait else max(1, len(body))
        for start in range(0, len(body), step):
            if wait:
                self.wfile.flush()
                self.server.site.stopping.wait(wait)
            self.wfile.write(body[start : start + step])
        self.wfile.flush()
        if cut:
            raise Dropped


for _method in ("OPTIONS", "PROPFIND", "REPORT", "GET", "PUT", "DELETE", "MKCALENDAR", "POST"):
    setattr(Handler, f"do_{_method}", Handler.handle_any)


class Listener(LoopbackListener):
    """One host of the double."""

    def __init__(self, host: str, site: Site, log: RequestLog, tls: ssl.SSLContext | None) -> None:
        super().__init__(Handler, f"caldav-{host}", tls)
        self.host = host
        self.site = site
        self.log = log
        self.begin()
