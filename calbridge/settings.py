"""Everything that can be set from outside: one frozen object, read once at the door and passed down.

Each setting is the environment variable ``CALBRIDGE_`` + its field name in capitals. ``docs/settings.md`` is
written from the field metadata here (``python tools/write_docs.py``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import marshmallow
from environs import Env, EnvValidationError

from calbridge.errors import SettingsInvalid

PREFIX = "CALBRIDGE_"
LOG_LEVELS = ("debug", "info", "warning", "error")
MIN_KEY_LENGTH = 32
"""Characters of a secret key; `openssl rand -base64 32` gives 44."""

Network = IPv4Network | IPv6Network


def _show(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _show_keys(keys: tuple[str, ...]) -> str:
    return f"{len(keys)} set (hidden)" if keys else ""


def _show_url(url: str) -> str:
    """Scheme, host and path: neither user nor password, and no query (it may hold a password, too)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _told(meaning: str, default: str, show: Callable[[Any], str] = _show) -> Mapping[str, Any]:
    """What the manual tells of a setting, and the way to show its value."""
    return {"meaning": meaning, "default": default, "show": show}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one process. Build it with :func:`load_settings`; tests may build it directly."""

    data_dir: Path = field(metadata=_told("Folder for the embedded database and the key file.", "./var"))
    database_url: str = field(
        repr=False,
        metadata=_told(
            "SQLAlchemy URL of the database: `sqlite:///file` or `postgresql+psycopg://user:password@host/name`.",
            "SQLite file `calbridge.db` in `DATA_DIR`",
            _show_url,
        ),
    )
    secret_keys: tuple[str, ...] = field(
        repr=False,
        metadata=_told(
            f"Keys that protect stored secrets, separated by commas, each of at least {MIN_KEY_LENGTH} characters. "
            "The first one is used for new secrets, the others still open old ones.",
            "a key file made in `DATA_DIR`; none in production",
            _show_keys,
        ),
    )
    production: bool = field(
        metadata=_told("Refuse to start where a default is only good for trying out: `SECRET_KEYS`.", "no")
    )
    private_networks: tuple[Network, ...] = field(
        metadata=_told(
            "Private networks, in CIDR form and separated by commas, that tenants may be granted to reach. Nothing "
            "private is reached without a grant, and no grant reaches beyond this.",
            "none",
        )
    )
    connectors: tuple[str, ...] | None = field(
        metadata=_told(
            "Distributions whose connectors are loaded, separated by commas, such as `calbridge-caldav`. One that is "
            "not installed is told by `calbridge connectors` and by `calbridge doctor`.",
            "all that are installed",
        )
    )
    lease_seconds: float = field(
        metadata=_told(
            "Seconds for which a run owns its integration without a sign of life. A killed run is taken over after "
            "this.",
            "60",
        )
    )
    request_timeout: float = field(
        metadata=_told(
            "Seconds that one request to a calendar service may take in all; must be shorter than `LEASE_SECONDS`.",
            "30",
        )
    )
    redis_url: str | None = field(
        repr=False,
        metadata=_told(
            "URL of the Redis that carries the jobs: `redis://`, `rediss://` or `unix://`.",
            "an embedded one",
            lambda url: _show_url(url) if url else "",
        ),
    )
    host: str = field(metadata=_told("Address the API listens on.", "127.0.0.1"))
    port: int = field(metadata=_told("Port the API listens on.", "8080"))
    public_url: str | None = field(
        metadata=_told(
            "Where the API is reached from outside, such as `https://calbridge.example.com`. Without it services can't "
            "push, nobody can sign in at a service's own page, and links in mails are left out.",
            "none",
        )
    )
    platform_key: str | None = field(
        repr=False,
        metadata=_told(
            "A platform key of your own, of at least 32 characters, beside those that are stored.",
            "none",
            lambda key: "set (hidden)" if key else "",
        ),
    )
    allowed_origins: tuple[str, ...] = field(
        metadata=_told(
            "Web origins, separated by commas, whose pages may call the API from a browser; tenants add their own.",
            "none",
        )
    )
    trusted_proxies: int = field(
        metadata=_told("How many proxies in front of the API set X-Forwarded-For and X-Forwarded-Proto.", "0")
    )
    smtp_url: str | None = field(
        repr=False,
        metadata=_told(
            "Mail server for failure mails: `smtp://user:password@host:587` (STARTTLS where offered; with a password, "
            "or with `?starttls=required`, always) or `smtps://user:password@host:465`. `?ca_file=/path` names the "
            "authority to trust in place of the usual ones. Special characters of the password are percent-encoded.",
            "none: no mail is sent",
            lambda url: _show_url(url) if url else "",
        ),
    )
    mail_from: str = field(metadata=_told("Sender of failure mails.", "calbridge@localhost"))
    sandbox: bool = field(metadata=_told("Offer the service `sandbox` and its paths, for trying out.", "no"))
    metrics_token: str | None = field(
        repr=False,
        metadata=_told(
            "Bearer token for `/metrics`, of at least 32 characters.",
            "none: metrics are answered on loopback only",
            lambda token: "set (hidden)" if token else "",
        ),
    )
    log_level: str = field(metadata=_told(f"Least level that is logged: {', '.join(LOG_LEVELS)}.", "info"))

    def shown(self) -> dict[str, str]:
        """Variable name to value, with every secret hidden: what may be printed."""
        return {variable_name(f.name): f.metadata["show"](getattr(self, f.name)) for f in fields(self)}


def variable_name(setting: str) -> str:
    """The environment variable of a field of :class:`Settings`."""
    return PREFIX + setting.upper()


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from ``environ`` (the environment of the process where it is not given).

    Raises :class:`SettingsInvalid` naming every variable that can't be used, and never its value.
    """
    env = _MappingEnv(os.environ if environ is None else environ)
    data_dir = Path(env.str("DATA_DIR", "var", validate=_not_empty) or "var")
    default_database = f"sqlite:///{data_dir / 'calbridge.db'}"
    values: dict[str, Any] = {
        "data_dir": data_dir,
        "database_url": env.str("DATABASE_URL", default_database, validate=_database_url),
        "secret_keys": _texts(env.list("SECRET_KEYS", [], validate=_long_keys)),
        "production": env.bool("PRODUCTION", False),
        "private_networks": tuple(map(_network, env.list("PRIVATE_NETWORKS", [], validate=_each(_network)) or ())),
        "connectors": _texts(env.list("CONNECTORS", None)),
        "lease_seconds": env.float("LEASE_SECONDS", 60.0, validate=_positive),
        "request_timeout": env.float("REQUEST_TIMEOUT", 30.0, validate=_positive),
        "redis_url": env.str("REDIS_URL", None, validate=_redis_url),
        "host": env.str("HOST", "127.0.0.1"),
        "port": env.int("PORT", 8080, validate=_port),
        "public_url": _without_slash(env.str("PUBLIC_URL", None, validate=_web_url)),
        "platform_key": env.str("PLATFORM_KEY", None, validate=_long_key),
        "allowed_origins": tuple(map(_origin, env.list("ALLOWED_ORIGINS", [], validate=_each(_origin)) or ())),
        "trusted_proxies": env.int("TRUSTED_PROXIES", 0, validate=_few),
        "smtp_url": env.str("SMTP_URL", None, validate=_smtp_url),
        "mail_from": env.str("MAIL_FROM", "calbridge@localhost", validate=_mail),
        "sandbox": env.bool("SANDBOX", False),
        "metrics_token": env.str("METRICS_TOKEN", None, validate=_long_key),
        "log_level": (env.str("LOG_LEVEL", "info", validate=_log_level) or "").lower(),
    }
    try:
        env.seal()
    except EnvValidationError as error:
        found = (
            error.error_messages if isinstance(error.error_messages, Mapping) else {"CALBRIDGE": error.error_messages}
        )
        raise _invalid({name: _first(messages) for name, messages in found.items()}) from None
    settings = Settings(**values)
    _check_together(settings)
    return settings


def connector_settings(
    connector: str, names: Iterable[str], environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What is set for a connector of the names that it asks for: ``CALBRIDGE_<CONNECTOR>_<NAME>``, empty as not set.

    What a name means stands in the connector's own manual.
    """
    given = os.environ if environ is None else environ
    values = {name: given.get(variable_name(f"{connector}_{name}"), "").strip() for name in names}
    return {name: value for name, value in values.items() if value}


class _MappingEnv(Env):
    """An environs reader over the mapping it is given, that collects all problems before it reports them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(eager=False, prefix=PREFIX)
        self._given = environ

    def _get_value(self, env_key: str, default: Any) -> Any:
        # A variable that is set to nothing counts as not set: compose files and units write it so.
        return self._given.get(env_key) or default


def _check_together(settings: Settings) -> None:
    if settings.request_timeout >= settings.lease_seconds:
        raise _invalid({variable_name("request_timeout"): "must be shorter than CALBRIDGE_LEASE_SECONDS"})
    if settings.production and not settings.secret_keys:
        raise _invalid({variable_name("secret_keys"): "must be set in production"})


def _invalid(problems: Mapping[str, str]) -> SettingsInvalid:
    return SettingsInvalid("; ".join(f"{name} {problem}" for name, problem in sorted(problems.items())))


def _first(messages: object) -> str:
    """One problem out of what marshmallow found."""
    return str(messages[0] if isinstance(messages, list) else messages).rstrip(".")


def _texts(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(text for value in values if (text := value.strip()))


def _each(read: Callable[[str], object]) -> Callable[[list[str]], None]:
    """A check of all members of a list. What is wrong with a member that environs itself reads, it does not tell."""

    def check(values: list[str]) -> None:
        for value in values:
            read(value)

    return check


def _network(text: str) -> Network:
    try:
        return ip_network(text.strip())
    except ValueError:
        raise marshmallow.ValidationError("must list networks such as 10.0.0.0/8") from None


def _not_empty(text: str) -> None:
    if not text.strip():
        raise marshmallow.ValidationError("must name a folder")


def _database_url(url: str) -> None:
    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise marshmallow.ValidationError("must start with sqlite:/// or postgresql+psycopg://")


def _long_keys(keys: list[str]) -> None:
    if any(len(key.strip()) < MIN_KEY_LENGTH for key in keys):
        raise marshmallow.ValidationError(f"must hold keys of at least {MIN_KEY_LENGTH} characters")


def _long_key(key: str | None) -> None:
    if key is not None and len(key) < MIN_KEY_LENGTH:
        raise marshmallow.ValidationError(f"must have at least {MIN_KEY_LENGTH} characters")


def _redis_url(url: str | None) -> None:
    if url is not None and not url.startswith(("redis://", "rediss://", "unix://")):
        raise marshmallow.ValidationError("must start with redis://, rediss:// or unix://")


def _smtp_url(url: str | None) -> None:
    if url is None:
        return
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, strict_parsing=True, keep_blank_values=True)) if parts.query else {}
        fits = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits, options = False, {}
    if not fits or not options.keys() <= {"starttls", "ca_file"} or options.get("starttls", "required") != "required":
        raise marshmallow.ValidationError("must be smtp://host or smtps://host, with ?starttls=required or ?ca_file=")


def _mail(address: str) -> None:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
        raise marshmallow.ValidationError("must be a mail address")


def _web_url(url: str | None) -> None:
    if url is not None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise marshmallow.ValidationError("must be an address such as https://calbridge.example.com")


def _without_slash(url: str | None) -> str | None:
    return url.rstrip("/") if url else None


def _origin(text: str) -> str:
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or parts.fragment:
        raise marshmallow.ValidationError("must list origins such as https://psa.example.com")
    return text.strip()


def _port(number: int) -> None:
    if not 0 < number < 65_536:
        raise marshmallow.ValidationError("must be a port number")


def _few(number: int) -> None:
    if not 0 <= number <= 9:
        raise marshmallow.ValidationError("must be a number from 0 to 9")


def _positive(number: float) -> None:
    if not 0 < number < 86_400:
        raise marshmallow.ValidationError("must be more than 0 and less than a day")


def _log_level(level: str) -> None:
    if level.lower() not in LOG_LEVELS:
        raise marshmallow.ValidationError(f"must be one of {', '.join(LOG_LEVELS)}")
