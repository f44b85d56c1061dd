"""Metrics for Prometheus, counted at the scrape from the database and Redis: no process keeps numbers of its own."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterator

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from calbridge.api.here import installed
from calbridge.api.problems import problem_response
from calbridge.service.parts import Parts
from calbridge.service.status import seconds_unread, sizes, status

blueprint = Blueprint("metrics", __name__)
TYPE = "text/plain; version=0.0.4; charset=utf-8"


@blueprint.get("/metrics")
def metrics() -> Response:
    """All metrics: with METRICS_TOKEN as bearer token or, where none is set, from this machine only."""
    parts = installed().parts
    if not _allowed(parts.settings.metrics_token):
        return problem_response("unauthenticated", 401)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(parts))
    return Response(generate_latest(registry), content_type=TYPE)


def _allowed(token: str | None) -> bool:
    if token is not None:
        return hmac.compare_digest(f"Bearer {token}".encode(), request.headers.get("Authorization", "").encode())
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


class _Collector:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What stands in the database now."""
        found = status(self._parts)
        yield _by("integrations", "Integrations by status.", "status", found.integrations)
        yield _by("runs_last_day", "Runs of the last day by status.", "status", found.runs)
        yield GaugeMetricFamily("calbridge_due_integrations", "Integrations with triggers not taken up.", found.due)
        unread = seconds_unread(self._parts)
        if unread is not None:
            told = "Since the connected calendar that waits longest was read to its end."
            yield GaugeMetricFamily("calbridge_longest_unread_seconds", told, unread)
        yield _by("waiting_messages", "Deliveries and mails still to be sent.", "kind", found.waiting)
        if found.queues is not None:
            yield _by("queued_jobs", "Jobs that wait in Redis.", "queue", found.queues)
        yield _by("budget_used_ratio", "Used share of a service's quota for all tenants.", "connector", found.budgets)
        yield _by("watches", "Push subscriptions that live, and integrations that lack one.", "state", found.watches)
        alive: dict[str, int] = {"worker": 0, "scheduler": 0}
        for process in found.processes:
            alive[process.kind] = alive.get(process.kind, 0) + process.alive
        yield _by("processes", "Processes seen lately.", "kind", alive)
        yield _by("rows", "Tenants, users and items.", "table", dict(sizes(self._parts)))


def _by(name: str, told: str, label: str, values: object) -> GaugeMetricFamily:
    assert isinstance(values, dict)
    family = GaugeMetricFamily(f"calbridge_{name}", told, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family
