"""From a request to an answer: redirects, login, throttling, strictness, then the method."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from tests.doubles.caldav import write
from tests.doubles.caldav.messages import Dropped, Request, Response, error, login_page, redirect
from tests.doubles.caldav.propfind import propfind
from tests.doubles.caldav.report import report
from tests.doubles.caldav.site import MAIN, OTHER, Breach, Site
from tests.doubles.caldav.strict import breach_of

WELL_KNOWN = "/.well-known/caldav"
_LATE_SECONDS = 3.0
_METHODS: dict[str, Callable[[Site, Request], Response]] = {
    "PROPFIND": propfind,
    "REPORT": report,
    "GET": write.get,
    "PUT": write.put,
    "DELETE": write.delete,
    "MKCALENDAR": write.mkcalendar,
}


def concerns(site: Site, request: Request) -> bool:
    """Whether the faults of the moment are meant for this request."""
    return not site.quirks.faulty_operations or request.operation in site.quirks.faulty_operations


def answer(site: Site, request: Request) -> Response:
    """The answer before transport faults are applied to it.

    :raises Dropped: the connection ends before (``drop_times``) or after (``lose_reply_times``) the work.
    """
    site.stopping.wait(_LATE_SECONDS if _is_late(site, request) else site.quirks.latency_seconds)
    with site.lock:
        faulty = concerns(site, request)
        if faulty and site.count_down("drop_times"):
            raise Dropped
        early = _before_login(site, request, faulty) or _login(site, request)
        if early is not None:
            return early
        rule = breach_of(site, request)
        if rule is not None:
            site.breaches.append(Breach(rule, request.operation, request.path))
            return error(_refusal_status(site, rule))
        site.run_hooks(request.operation)
        response = _served(site, request)
        if faulty and site.count_down("lose_reply_times"):
            raise Dropped
        return response


def _is_late(site: Site, request: Request) -> bool:
    """Whether it names an object at which this server hangs. Others are answered meanwhile: no lock is held."""
    if site.quirks.fatal_answer != "late" or request.method not in ("GET", "REPORT"):
        return False
    return any(name in request.target or name.encode() in request.body for name in site.quirks.fatal_objects)


def _refusal_status(site: Site, rule: str) -> int:
    return site.quirks.missing_end_refusal or 400 if rule == "put_without_end" else 400


def _before_login(site: Site, request: Request, faulty: bool) -> Response | None:
    quirks = site.quirks
    if faulty and site.count_down("throttle_times"):
        wait = [] if quirks.retry_after is None else [("Retry-After", quirks.retry_after)]
        return Response(quirks.throttle_status, b"later\n", [("Content-Type", "text/plain"), *wait])
    if faulty and site.count_down("server_error_times"):
        return error(500)
    if request.path in quirks.forbidden_paths:
        return error(403)
    if request.path == write.LOGIN_PATH:
        return login_page()
    if request.path.startswith(WELL_KNOWN):
        return _well_known(site, request)
    if request.method == "OPTIONS":
        return _options(site)
    return None


def _well_known(site: Site, request: Request) -> Response | None:
    quirks = site.quirks
    if request.host == OTHER:
        return None
    chained = request.path.removeprefix(WELL_KNOWN)
    if quirks.well_known == "chain" and chained != "/3":
        return redirect(quirks.redirect_status, f"{WELL_KNOWN}/{int(chained.strip('/') or 0) + 1}")
    if quirks.well_known == "loop":
        return redirect(quirks.redirect_status, WELL_KNOWN)
    if quirks.well_known == "missing":
        return error(404)
    if quirks.well_known == "here":
        return None
    where = {
        "absolute": f"{site.bases[MAIN]}/",
        "cross_host": f"{site.bases[OTHER]}/",
        "login_page": write.LOGIN_PATH,
    }.get(quirks.well_known, "/")
    return redirect(quirks.redirect_status, where)


def _options(site: Site) -> Response:
    parts = ["1, 2, 3", "access-control", "calendar-access"]
    if site.quirks.sync_collection:
        parts.append("extended-mkcol")
    if site.quirks.auto_schedule:
        parts.append("calendar-auto-schedule")
    lines = parts if site.quirks.split_dav_header else [", ".join(parts)]
    allowed = ", ".join(["OPTIONS", *_METHODS])
    return Response(200, b"", [*(("DAV", line) for line in lines), ("Allow", allowed)])


def _login(site: Site, request: Request) -> Response | None:
    quirks = site.quirks
    if quirks.forbids_everything:
        return error(403)
    good = _credentials(request) == (site.state.user, site.password)
    accepted = not quirks.rejects_login and (good or not quirks.login_required)
    if accepted and not (quirks.login_required and site.count_down("false_401_times")):
        return None
    realm = 'Basic realm="double"'
    if quirks.icloud_challenge:
        realm = 'X-MobileMe-AuthToken realm="MMCalDav", Basic realm="MMCalDav"'
    return Response(401, b"who are you\n", [("WWW-Authenticate", realm), ("Content-Type", "text/plain")])


def _credentials(request: Request) -> tuple[str, str] | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, password


def _served(site: Site, request: Request) -> Response:
    if site.quirks.partition and request.host == MAIN and _is_calendar_data(site, request.path):
        return error(404)
    if request.host == OTHER:
        return error(404)
    if site.quirks.calendar_closed and (site.state.calendar_at(request.path) or site.state.locate(request.path)):
        return error(403, "need-privileges")
    method = _METHODS.get(request.method)
    return error(405) if method is None else method(site, request)


def _is_calendar_data(site: Site, path: str) -> bool:
    return any(path.startswith(home.path.rstrip("/")) for home in site.state.homes)
