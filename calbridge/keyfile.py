"""The key of the embedded mode: one file that only its owner can read.

Whoever installs calbridge for real sets ``SECRET_KEYS``; who tries it out shall not have to. The key is made
once and kept in ``DATA_DIR``; without it the stored secrets can't be opened any more.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import replace
from pathlib import Path

from calbridge.errors import SettingsInvalid
from calbridge.settings import MIN_KEY_LENGTH, Settings

NAME = "secret.key"


def with_secret_keys(settings: Settings) -> Settings:
    """``settings`` with keys: those of the environment, else the one of the key file, which is made if need be.

    Raises :class:`SettingsInvalid` if the file can't be read, made or trusted. Production never comes here
    without keys: :func:`calbridge.settings.load_settings` refuses.
    """
    if settings.secret_keys:
        return settings
    path = settings.data_dir / NAME
    try:
        if not path.exists():
            _make(path)
        return replace(settings, secret_keys=(_read(path),))
    except OSError as error:
        raise SettingsInvalid(
            f"the key file {path} can't be used: {error.strerror}", code="key_file_unusable"
        ) from error


def _make(path: Path) -> None:
    """Write a new key under a name of its own, then link it into place: two starters end with one whole key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def _read(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        raise SettingsInvalid(f"the key file {path} must be readable by its owner only", code="key_file_unusable")
    key = path.read_text(encoding="ascii", errors="replace").strip()
    if len(key) < MIN_KEY_LENGTH:
        raise SettingsInvalid(f"the key file {path} holds no usable key", code="key_file_unusable")
    return key
