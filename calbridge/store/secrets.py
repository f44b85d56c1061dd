"""Secrets at rest: AES-GCM, tied to their place, under keys that can be changed (DESIGN 5)."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from calbridge.errors import SecretUnreadable

_VERSION = "v1"
_NONCE = 12
"""Bytes; NIST SP 800-38D recommends 96 bits."""


def derive(key: str, purpose: str, size: int = 32) -> bytes:
    """A key of its own for each purpose, by HKDF-SHA256 (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=size, salt=None, info=f"calbridge/{purpose}".encode()).derive(key.encode())


class SecretBox:
    """Seals with the first key, opens with any of them.

    ``place`` is what a sealed text belongs to (tenant, table, row, field): moved to another row it can't be opened.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise SecretUnreadable(detail="no key is configured")
        self._current = _key_id(keys[0])
        self._ciphers = {_key_id(key): AESGCM(derive(key, "secrets")) for key in keys}
        self._first = keys[0]

    def __repr__(self) -> str:
        return f"SecretBox({len(self._ciphers)} keys)"

    def seal(self, secret: str, *place: str) -> str:
        """Encrypted text with the id of its key."""
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self._current].encrypt(nonce, secret.encode("utf-8", "surrogatepass"), _bound(place))
        return f"{_VERSION}.{self._current}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *place: str) -> str:
        """The secret. :raises SecretUnreadable: no key opens it here."""
        try:
            version, key_id, body = sealed.split(".")
            data = base64.urlsafe_b64decode(body)
            if version == _VERSION and key_id in self._ciphers:
                opened = self._ciphers[key_id].decrypt(data[:_NONCE], data[_NONCE:], _bound(place))
                return opened.decode("utf-8", "surrogatepass")
        except (ValueError, binascii.Error, InvalidTag):
            pass
        raise SecretUnreadable

    def current(self, sealed: str) -> bool:
        """Whether it was sealed with the first key."""
        return sealed.startswith(f"{_VERSION}.{self._current}.")

    def derive(self, purpose: str) -> bytes:
        """32 bytes for another purpose, from the first key."""
        return derive(self._first, purpose)


def _key_id(key: str) -> str:
    return derive(key, "key id", 6).hex()


def _bound(place: Sequence[str]) -> bytes:
    return "\x1f".join(place).encode("utf-8", "surrogatepass")
