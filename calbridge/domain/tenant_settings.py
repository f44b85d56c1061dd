"""What a tenant's administrators set for all of its users, as JSON and as values."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from calbridge.domain.json_parts import Part, invalid
from calbridge.domain.options import Options
from calbridge.domain.record_url import record_url_in
from calbridge.domain.settings_json import (
    MAX_DAYS,
    IntegrationSettings,
    Range,
    patched,
    range_in,
    range_out,
    settings_in,
    settings_out,
)
from calbridge.domain.title_templates import Templates, templates_in, templates_out
from calbridge.errors import Refused

POLL_MINUTES = 15
RETRY_MINUTES = 30
LONGEST_RETRY = 7 * 24 * 60
MOST = 100
"""Services, origins and locked settings of one tenant."""
_SERVICE = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_ORIGIN = re.compile(r"https?://([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(:\d{1,5})?", re.I)
_EXCHANGE = re.compile(r"Exchange20\d\d(_SP\d)?")


class Mechanism(enum.StrEnum):
    """How changes of linked calendars are noticed."""

    AUTO = "auto"
    """By push where the service and this installation can, else by polling."""
    PUSH = "push"
    POLLING = "polling"


@dataclass(frozen=True, slots=True)
class Exchange:
    """Where the tenant's own Exchange stands; ``version`` as its schema names it, such as ``Exchange2016``."""

    url: str | None = None
    version: str | None = None
    batch_size: int = 100
    notification_url: str | None = None


@dataclass(frozen=True, slots=True)
class TenantSettings:
    """All settings of a tenant. ``services_allowed`` of None are all; ``default_settings`` as they were given."""

    sync_enabled: bool = True
    services_allowed: tuple[str, ...] | None = None
    mechanism: Mechanism = Mechanism.AUTO
    poll_minutes: int = POLL_MINUTES
    retry_minutes: int = RETRY_MINUTES
    notify_failure_to: tuple[str, ...] = ()
    initial_range: Range | None = None
    live_past_days: int = Options().live_past_days
    default_settings: Mapping[str, Any] = field(default_factory=dict)
    locked_settings: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    title_templates: Templates = ()
    record_url: str | None = None
    exchange: Exchange = Exchange()

    def allows(self, service: str) -> bool:
        """Whether integrations of this service may be."""
        return self.services_allowed is None or service in self.services_allowed

    def of_new_integration(self) -> dict[str, Any]:
        """The settings an integration starts with (SYNC F3), before anybody chose anything."""
        first = range_out(self.initial_range)
        ranges = {"ranges": {"retrieve": first, "send": first}} if first is not None else {}
        return patched(ranges, self.default_settings)


def tenant_settings_in(data: Mapping[str, Any]) -> TenantSettings:
    """Settings of their JSON; what is absent or null has its default.

    :raises Refused: ``invalid_value`` with ``field``, the dotted name of what can't be used.
    """
    part = Part(data, "")
    default = TenantSettings()
    found = TenantSettings(
        sync_enabled=part.flag("sync_enabled", default.sync_enabled),
        services_allowed=_services(part),
        mechanism=part.choice("mechanism", Mechanism, default.mechanism),
        poll_minutes=part.number_or("poll_minutes", 1, 1440, default.poll_minutes),
        retry_minutes=part.number_or("retry_minutes", 1, LONGEST_RETRY, default.retry_minutes),
        notify_failure_to=part.mails("notify_failure_to"),
        initial_range=range_in(part, "initial_range"),
        live_past_days=part.number_or("live_past_days", 0, MAX_DAYS, default.live_past_days),
        default_settings=_defaults(part),
        locked_settings=_locked(part),
        allowed_origins=_origins(part),
        title_templates=templates_in(part.inner("title_templates")),
        record_url=record_url_in(part),
        exchange=_exchange(part.inner("exchange")),
    )
    part.done()
    return found


def tenant_settings_out(settings: TenantSettings) -> dict[str, Any]:
    """All settings as JSON, defaults written out."""
    allowed = settings.services_allowed
    return {
        "sync_enabled": settings.sync_enabled,
        "services_allowed": None if allowed is None else list(allowed),
        "mechanism": settings.mechanism.value,
        "poll_minutes": settings.poll_minutes,
        "retry_minutes": settings.retry_minutes,
        "notify_failure_to": list(settings.notify_failure_to),
        "initial_range": range_out(settings.initial_range),
        "live_past_days": settings.live_past_days,
        "default_settings": dict(settings.default_settings),
        "locked_settings": list(settings.locked_settings),
        "allowed_origins": list(settings.allowed_origins),
        "title_templates": templates_out(settings.title_templates),
        "record_url": settings.record_url,
        "exchange": {
            "url": settings.exchange.url,
            "version": settings.exchange.version,
            "batch_size": settings.exchange.batch_size,
            "notification_url": settings.exchange.notification_url,
        },
    }


def _services(part: Part) -> tuple[str, ...] | None:
    found = part.texts("services_allowed")
    if found is not None and (len(found) > MOST or not all(_SERVICE.fullmatch(each) for each in found)):
        raise invalid(part.field("services_allowed"), f"must hold at most {MOST} names of services")
    return None if found is None else tuple(dict.fromkeys(found))


def _defaults(part: Part) -> Mapping[str, Any]:
    """Some settings of an integration; each is checked as if it were set there."""
    part.inner("default_settings")
    found = part.value("default_settings") or {}
    try:
        settings_in(found)
    except Refused as refused:
        raise invalid(f"{part.field('default_settings')}.{refused.facts['field']}", refused.detail) from None
    return dict(found)


def _locked(part: Part) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(part.texts("locked_settings") or ()))
    known = set(_names(settings_out(IntegrationSettings())))
    for each in found:
        if each not in known:
            raise invalid(part.field("locked_settings"), "must hold names such as conflict or send.types")
    return found


def _names(settings: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Dotted names of all settings and groups of them."""
    for name, value in settings.items():
        yield path + name
        if isinstance(value, Mapping):
            yield from _names(value, f"{path}{name}.")


def locked_out(settings: TenantSettings, before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    """The first locked setting that differs between two JSON forms of an integration's settings."""
    return next((each for each in settings.locked_settings if _at(before, each) != _at(after, each)), None)


def _at(data: Any, path: str) -> Any:
    for name in path.split("."):
        data = data[name]
    return data


def _origins(part: Part) -> tuple[str, ...]:
    found = part.texts("allowed_origins") or ()
    if len(found) > MOST:
        raise invalid(part.field("allowed_origins"), f"must hold at most {MOST} origins")
    return tuple(dict.fromkeys(_origin(part, each.strip()) for each in found))


def _origin(part: Part, text: str) -> str:
    """An origin as browsers write it (RFC 6454): scheme, host and perhaps a port, nothing after them."""
    if len(text) > 300 or not _ORIGIN.fullmatch(text) or not _has_port(text):
        raise invalid(part.field("allowed_origins"), "must hold origins such as https://psa.example.com")
    return text.lower()


def _has_port(text: str) -> bool:
    try:
        return urlsplit(text).port != 0
    except ValueError:
        return False


def _exchange(part: Part) -> Exchange:
    default = Exchange()
    version = part.text("version")
    if version is not None and not _EXCHANGE.fullmatch(version):
        raise invalid(part.field("version"), "must be a version such as Exchange2016")
    found = Exchange(
        url=_address(part, "url"),
        version=version,
        batch_size=part.number_or("batch_size", 1, 512, default.batch_size),
        notification_url=_address(part, "notification_url"),
    )
    part.done()
    return found


def _address(part: Part, name: str) -> str | None:
    """An https address without a user; whether it may be reached is asked when it is."""
    text = part.text(name)
    if text is None:
        return None
    try:
        split = urlsplit(text)
        usable = split.scheme == "https" and bool(split.hostname) and not (split.username or split.password)
        usable = usable and not split.fragment and split.port != 0
    except ValueError:
        usable = False
    if not usable or len(text) > 2000 or not text.isascii() or not text.isprintable() or " " in text:
        raise invalid(part.field(name), "must be an address such as https://mail.example.com/EWS/Exchange.asmx")
    return text
