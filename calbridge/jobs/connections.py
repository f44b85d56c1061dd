"""Connections to Redis."""

from __future__ import annotations

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from calbridge.errors import SettingsInvalid
from calbridge.settings import Settings, variable_name

QUICK_SECONDS = 0.25
"""What a request may lose where Redis does not answer (DESIGN 6)."""
PATIENT_SECONDS = 5.0


def quick(url: str) -> Redis:
    """For enqueueing: short time-outs, and nothing is tried twice."""
    return _connected(url, QUICK_SECONDS)


def patient(url: str) -> Redis:
    """For workers; RQ makes the time-out longer where it waits for a job."""
    return _connected(url, PATIENT_SECONDS)


def required_url(settings: Settings) -> str:
    """Where Redis is. Raises SettingsInvalid: the setting is missing."""
    if settings.redis_url is None:
        raise SettingsInvalid(f"{variable_name('redis_url')} must name a Redis", code="redis_missing")
    return settings.redis_url


def _connected(url: str, seconds: float) -> Redis:
    return Redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds, retry=Retry(NoBackoff(), 0))
