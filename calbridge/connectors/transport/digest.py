"""Digest access authentication (RFC 7616) with qop ``auth``, and the older form without qop (RFC 2069)."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from calbridge.connectors.transport.values import BasicAuth

_HASHES: dict[str, Callable[[bytes], str]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
    "SHA-512-256": lambda data: hashlib.new("sha512_256", data).hexdigest(),
}
_STRENGTH = ("SHA-512-256", "SHA-256", "MD5")
# A scheme's name, or a parameter with its value (RFC 9110 section 11.6.1).
_WORD = re.compile(r'([\w-]+)(?:\s{0,8}=\s{0,8}(?:"((?:[^"\\]|\\.)*)"|([^\s",]*)))?')
_MAX_CHALLENGE = 8192


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a service asked for. ``uses`` numbers the requests made with its nonce."""

    realm: str
    nonce: str
    algorithm: str
    qop: bool
    opaque: str | None
    stale: bool
    uses: count[int] = field(default_factory=lambda: count(1), compare=False, repr=False)


def parse_challenge(www_authenticate: str) -> Challenge | None:
    """The strongest Digest challenge of a WWW-Authenticate field that we can answer, or None."""
    schemes: list[tuple[str, dict[str, str]]] = []
    for word in _WORD.finditer(www_authenticate[:_MAX_CHALLENGE]):
        name, quoted, token = word.groups()
        if quoted is None and token is None:
            schemes.append((name.lower(), {}))
        elif schemes:
            value = token if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            schemes[-1][1].setdefault(name.lower(), value)
    offers = [offer for name, given in schemes if name == "digest" and (offer := _offer(given)) is not None]
    return min(offers, key=lambda offer: _STRENGTH.index(_plain(offer.algorithm)), default=None)


def _plain(algorithm: str) -> str:
    return algorithm.upper().removesuffix("-SESS")


def _offer(given: dict[str, str]) -> Challenge | None:
    algorithm = given.get("algorithm") or "MD5"
    qops = [word.strip().lower() for word in given.get("qop", "").split(",") if word.strip()]
    if "nonce" not in given or _plain(algorithm) not in _HASHES or (qops and "auth" not in qops):
        return None
    stale = given.get("stale", "").lower() == "true"
    return Challenge(given.get("realm", ""), given["nonce"], algorithm, bool(qops), given.get("opaque"), stale)


def authorization(challenge: Challenge, auth: BasicAuth, method: str, target: str) -> str:
    """The Authorization field that answers ``challenge`` for one request."""
    hashed = _HASHES[_plain(challenge.algorithm)]
    cnonce, uses = secrets.token_hex(8), f"{next(challenge.uses):08x}"
    secret = hashed(f"{auth.username}:{challenge.realm}:{auth.password}".encode())
    if challenge.algorithm.upper().endswith("-SESS"):
        secret = hashed(f"{secret}:{challenge.nonce}:{cnonce}".encode())
    act = hashed(f"{method}:{target}".encode())
    middle = f"{challenge.nonce}:{uses}:{cnonce}:auth" if challenge.qop else challenge.nonce
    told = {
        "username": _quoted(auth.username),
        "realm": _quoted(challenge.realm),
        "nonce": _quoted(challenge.nonce),
        "uri": _quoted(target),
        "algorithm": challenge.algorithm,
        "response": _quoted(hashed(f"{secret}:{middle}:{act}".encode())),
    }
    if challenge.opaque is not None:
        told["opaque"] = _quoted(challenge.opaque)
    if challenge.qop or challenge.algorithm.upper().endswith("-SESS"):
        told |= {"qop": "auth", "nc": uses, "cnonce": _quoted(cnonce)}
    return "Digest " + ", ".join(f"{name}={value}" for name, value in told.items())


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'.encode().decode("latin-1")
