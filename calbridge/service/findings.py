"""How the doctor says what it found."""

from __future__ import annotations

from calbridge.catalogue import describe
from calbridge.service.views_installation import Finding


def bad(code: str, what: str = "") -> Finding:
    """Something is wrong; ``what`` in the words of the catalogue where none are given."""
    entry = describe(code)
    return Finding(False, what or entry.summary, entry.remedy, code)


def note(code: str, what: str = "") -> Finding:
    """Something that may be meant so."""
    entry = describe(code)
    return Finding(True, what or entry.summary, entry.remedy, code)


def well(what: str) -> Finding:
    """All is well with it."""
    return Finding(True, what)
