"""Threaded HTTP/1.1 on loopback: the API, its batch endpoint, the sign-in pages, the faults of the wire."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.doubles.google import batch
from tests.doubles.google.discovery import operation
from tests.doubles.google.refusing import Answer, ApiError, Dropped
from tests.doubles.google.site import Site
from tests.doubles.listening import LoopbackListener

SERVICE = "/calendar/v3/"
BATCH = "/batch/calendar/v3"
_DRIPS = 16
_DEEP = 200_000
_HUGE = 80_000_000


@dataclass
class Logged:
    """One request; ``calls`` are the API's methods in it, several for a batch. ``status`` 0: no answer left."""

    operation: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int
    calls: list[str] = field(default_factory=list)
    status: int = 0


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
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        entry = Logged("", self.command, self.path, headers, body, self.connection_id)
        site = self.server.site
        with site.lock:
            self.server.log.append(entry)
        try:
            with site.lock:
                status, told, sent = self._answer(site, entry)
            entry.status = status
            self._send(status, told, sent, gzipped="gzip" in headers.get("accept-encoding", ""))
        except Dropped:
            self.close_connection = True

    def _answer(self, site: Site, entry: Logged) -> tuple[int, bytes, dict[str, str]]:
        parts = urlsplit(entry.target)
        if parts.path == BATCH:
            return self._batch(site, entry)
        if parts.path.startswith(SERVICE):
            return self._call(site, entry, parts.path, parts.query)
        return self._page(site, entry, parts.path, parts.query)

    def _call(self, site: Site, entry: Logged, path: str, query: str) -> tuple[int, bytes, dict[str, str]]:
        part = batch.Part("", entry.method, f"{path}?{query}" if query else path, entry.headers, entry.body)
        entry.operation = _named(part)
        entry.calls = [entry.operation]
        site.drop_if("lose_request", entry.calls)
        answer = self._done(site, part)
        site.drop_if("lose_reply", entry.calls)
        body, kind = answer.encoded()
        if site.quirks.breakage is not None and answer.status < 300:
            body, kind = _broken(site.quirks.breakage)
        return answer.status, body, {"Content-Type": kind, **answer.headers}

    def _done(self, site: Site, part: batch.Part) -> Answer:
        """One call, by itself or out of a batch; a long query may come as a form (dossier 6)."""
        parts = urlsplit(part.target)
        method, query, body = part.method, parts.query, part.body
        if method == "POST" and part.headers.get("x-http-method-override") == "GET":
            method, query, body = "GET", body.decode(), b""
        try:
            called = operation(method, parts.path.removeprefix(SERVICE))
            pairs = parse_qsl(query, keep_blank_values=True)
            return site.call(called, pairs, part.headers, batch.json_body(body))
        except ApiError as error:
            return error.answer()

    def _batch(self, site: Site, entry: Logged) -> tuple[int, bytes, dict[str, str]]:
        entry.operation = "batch"
        try:
            fault = site.fault("error", ["batch"])
            if fault is not None and fault.error is not None:
                raise fault.error
            parts = batch.parts_of(entry.headers.get("content-type", ""), entry.body)
        except ApiError as error:
            body, kind = error.answer().encoded()
            return error.status, body, {"Content-Type": kind, **error.headers}
        entry.calls = [_named(part) for part in parts]
        site.drop_if("lose_request", ["batch", *entry.calls])
        outer = {name: entry.headers[name] for name in ("authorization",) if name in entry.headers}
        inner = [
            batch.Part(each.content_id, each.method, each.target, outer | each.headers, each.body) for each in parts
        ]
        answers = [(part, self._done(site, part)) for part in batch.order(inner, shuffled=site.quirks.batch_shuffled)]
        site.drop_if("lose_reply", ["batch", *entry.calls])
        if site.quirks.batch_loses_part:
            answers = answers[:-1]
        body, kind = batch.composed(answers)
        if site.quirks.breakage is not None:
            body, kind = _broken(site.quirks.breakage)
        return 200, body, {"Content-Type": kind}

    def _page(self, site: Site, entry: Logged, path: str, query: str) -> tuple[int, bytes, dict[str, str]]:
        pairs = parse_qsl(query if entry.method == "GET" else entry.body.decode(), keep_blank_values=True)
        names = {"/o/oauth2/v2/auth": "authorize", "/signin/consent": "consent", "/v1/userinfo": "userinfo"}
        entry.operation = names.get(path, path.strip("/"))
        entry.calls = [entry.operation]
        site.drop_if("lose_request", entry.calls)
        fault = site.fault("error", entry.calls)
        if fault is not None and fault.error is not None:
            answer = fault.error.answer()
        else:
            answer = self._signing(site, entry, pairs)
        site.drop_if("lose_reply", entry.calls)
        body, kind = answer.encoded()
        return answer.status, body, {"Content-Type": kind, **answer.headers}

    def _signing(self, site: Site, entry: Logged, pairs: list[tuple[str, str]]) -> Answer:
        match entry.method, entry.operation:
            case "GET", "authorize":
                return site.signing.page(dict(pairs))
            case "POST", "consent":
                form: dict[str, list[str]] = {}
                for name, value in pairs:
                    form.setdefault(name, []).append(value)
                return site.signing.consent(form)
            case "POST", "token":
                return site.signing.token(dict(pairs))
            case "POST", "revoke":
                return site.signing.revoke(dict(pairs))
            case "GET", "userinfo":
                return site.signing.userinfo(entry.headers.get("authorization", ""))
            case _:
                return Answer(404, {"error": "no such page"})

    def _send(self, status: int, body: bytes, headers: dict[str, str], *, gzipped: bool) -> None:
        if gzipped and len(body) > 1024:
            body, headers = gzip.compress(body, 1, mtime=0), {**headers, "Content-Encoding": "gzip"}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        wait = self.server.site.quirks.drip_seconds
        step = max(1, len(body) // _DRIPS) if wait else max(1, len(body))
        for start in range(0, len(body) if status != 204 else 0, step):
            if wait:
                self.wfile.flush()
                self.server.site.stopping.wait(wait)
            self.wfile.write(body[start : start + step])
        self.wfile.flush()


for _method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
    setattr(Handler, f"do_{_method}", Handler.handle_any)


def _named(part: batch.Part) -> str:
    overridden = part.headers.get("x-http-method-override") == "GET"
    try:
        return operation("GET" if overridden else part.method, urlsplit(part.target).path.removeprefix(SERVICE)).name
    except ApiError:
        return "unknown"


def _broken(kind: str) -> tuple[bytes, str]:
    bodies = {
        "html": (b"<!doctype html><title>Sign in</title>", "text/html"),
        "not_json": (b'{"items": [', "application/json"),
        "empty": (b"", "application/json"),
        "deep": (b'{"items": ' + b"[" * _DEEP + b"]" * _DEEP + b"}", "application/json"),
        "list": (json.dumps([1, 2]).encode(), "application/json"),
    }
    return bodies[kind] if kind in bodies else (b'{"items": [' + b" " * _HUGE + b"]}", "application/json")


class Listener(LoopbackListener):
    """The one listener."""

    def __init__(self, site: Site) -> None:
        super().__init__(Handler, "google-double")
        self.site = site
        self.log: list[Logged] = []
        self.begin()
