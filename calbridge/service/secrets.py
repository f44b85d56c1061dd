"""Stored secrets and the keys they are sealed with."""

from __future__ import annotations

from calbridge.service.parts import Parts
from calbridge.service.views_installation import SecretsReport
from calbridge.store import rotation


def rotate(parts: Parts) -> SecretsReport:
    """Seal everything with the first of SECRET_KEYS; what no key opens stays as it is and is counted."""
    report = rotation.rotate(parts.database)
    current = report.total - len(report.unreadable)
    return SecretsReport(report.total, current, report.outdated, len(report.unreadable))


def verify(parts: Parts) -> SecretsReport:
    """Open everything; changes nothing. ``current``: under the first key already."""
    report = rotation.verify(parts.database)
    current = report.total - report.outdated - len(report.unreadable)
    return SecretsReport(report.total, current, 0, len(report.unreadable))
