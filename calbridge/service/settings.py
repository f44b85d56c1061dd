"""The settings of this process as they may be shown."""

from __future__ import annotations

from calbridge.service.parts import Parts


def show_settings(parts: Parts) -> dict[str, str]:
    """Variable to value; secrets are hidden."""
    return parts.settings.shown()
