"""What an installation stands on beside its database: addresses, Redis, mail, and who may look into its folder."""

from __future__ import annotations

from collections.abc import Iterator

import requests
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

from calbridge.errors import MailFailed, SettingsInvalid
from calbridge.service.findings import bad, note, well
from calbridge.service.mailing import connected, mail_server
from calbridge.service.public_address import is_safe
from calbridge.service.views_installation import Finding
from calbridge.settings import Settings
from calbridge.supervision.embedded import SOCKET
from calbridge.supervision.lock import FOLDER, is_held
from calbridge.supervision.ports import listen, local_url

ASK_SECONDS = 3.0
HEALTHY = {"status": "ok"}


def folder(settings: Settings) -> Iterator[Finding]:
    """Whether others of this machine can look into the data folder."""
    try:
        mode = settings.data_dir.stat().st_mode
    except OSError:
        return
    yield bad("data_dir_open") if mode & 0o077 else well("the data folder is ours alone")


def public_url(settings: Settings) -> Iterator[Finding]:
    """Whether the world can reach the API safely."""
    if settings.public_url is None:
        yield (bad if settings.production else note)("public_url_missing")
        return
    if is_safe(settings.public_url):
        yield well(f"the API is reached at {settings.public_url}")
    else:
        yield bad("public_url_insecure")


def port(settings: Settings) -> Iterator[Finding]:
    """Whether the API answers where it should, or could."""
    place = f"{settings.host}:{settings.port}"
    try:
        listen(settings.host, settings.port).close()
    except SettingsInvalid as error:
        if not error.facts["in_use"]:
            yield bad(error.code, f"the API can't listen on {error.detail}")
        elif _is_ours(local_url(settings.host, settings.port)):
            yield well(f"the API answers on {place}")
        else:
            yield bad(error.code, f"another program than the API listens on {place}")
    else:
        yield well(f"the address of the API, {place}, is free")


def redis_address(settings: Settings) -> str | None:
    """The configured Redis, else the one that ``calbridge run`` brought along; None where there is neither."""
    if settings.redis_url is not None:
        return settings.redis_url
    running = settings.data_dir.resolve() / FOLDER
    return f"unix://{running / SOCKET}" if is_held(running) else None


def redis(settings: Settings) -> Iterator[Finding]:
    """Whether the Redis of the jobs answers."""
    url = redis_address(settings)
    if url is None:
        yield (bad if settings.production else note)("redis_not_configured")
        return
    try:
        with Redis.from_url(url, socket_timeout=ASK_SECONDS, socket_connect_timeout=ASK_SECONDS) as client:
            client.ping()
    except AuthenticationError:
        yield bad("redis_unreachable", "the Redis that carries the jobs refuses our password")
    except (RedisError, OSError):
        yield bad("redis_unreachable")
    else:
        yield well("Redis answers")


def mail(settings: Settings) -> Iterator[Finding]:
    """Whether the mail server takes our mail; none is sent."""
    if settings.smtp_url is None:
        yield note("mail_not_configured")
        return
    try:
        with connected(mail_server(settings.smtp_url)):
            pass
    except MailFailed as error:
        yield bad(error.code)
    except SettingsInvalid as error:
        yield bad("mail_unreachable", error.detail)
    else:
        yield well("the mail server takes our login")


def _is_ours(url: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.get(f"{url}/healthz", timeout=ASK_SECONDS, allow_redirects=False)
            return answer.ok and bool(answer.json() == HEALTHY)
        except (requests.RequestException, ValueError):
            return False
