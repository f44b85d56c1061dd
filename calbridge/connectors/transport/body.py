"""Reading a body with a limit that counts what it becomes, not what it was packed to."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Protocol

from calbridge.errors import Unavailable

CHUNK = 65536


class Decoder(Protocol):
    """Turns packed pieces into at most ``room`` plain bytes each."""

    def feed(self, piece: bytes, room: int) -> bytes:
        """Plain bytes of this piece; more than ``room`` are never produced."""

    def finished(self) -> bool:
        """Has the packed stream come to its own end?"""


class _Plain:
    def feed(self, piece: bytes, room: int) -> bytes:
        return piece

    def finished(self) -> bool:
        return True


class _Inflate:
    """gzip (also of several members) and deflate (zlib wrapped, or raw as some servers send it)."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._inner: zlib._Decompress | None = None

    def _start(self, piece: bytes) -> zlib._Decompress:
        if self._gzip:
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        wrapped = piece[0] & 0x0F == 8
        return zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)

    def feed(self, piece: bytes, room: int) -> bytes:
        out = bytearray()
        while piece:
            if self._inner is None:
                self._inner = self._start(piece)
            elif self._inner.eof:
                if not (self._gzip and piece.startswith(b"\x1f")):
                    break  # bytes after the end of the stream carry nothing
                self._inner = self._start(piece)
            out += self._inner.decompress(piece, max(1, room - len(out)))
            if len(out) >= room:
                break
            piece = self._inner.unused_data if self._inner.eof else self._inner.unconsumed_tail
        return bytes(out)

    def finished(self) -> bool:
        return self._inner is None or self._inner.eof


def decoder_for(content_encoding: str) -> Decoder:
    """The decoder of a Content-Encoding field. Raises Unavailable (``malformed_answer``) for one we never asked for."""
    coding = content_encoding.strip().lower()
    if coding in ("", "identity"):
        return _Plain()
    if coding in ("gzip", "x-gzip", "deflate"):
        return _Inflate(gzip=coding != "deflate")
    raise Unavailable("an unknown content coding", code="malformed_answer", sent=True)


def read_body(read: Callable[[int], bytes], decoder: Decoder, max_bytes: int) -> bytes:
    """The whole decoded body, read piece by piece with ``read``.

    Raises Unavailable: ``response_too_large`` as soon as there are more than ``max_bytes``,
    ``malformed_answer`` where the packing is broken or cut off.
    """
    body = bytearray()
    try:
        while piece := read(CHUNK):
            body += decoder.feed(piece, max_bytes - len(body) + 1)
            if len(body) > max_bytes:
                raise too_large(max_bytes)
    except zlib.error as error:
        raise Unavailable("the packing of the body is broken", code="malformed_answer", sent=True) from error
    if not decoder.finished():
        raise Unavailable("the packed body is cut off", code="malformed_answer", sent=True)
    return bytes(body)


def too_large(max_bytes: int) -> Unavailable:
    """The error for a body beyond its limit."""
    return Unavailable("the answer is too large", code="response_too_large", max_bytes=max_bytes, sent=True)
