from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable

import pytest

from calbridge.connectors.transport.body import decoder_for, read_body
from calbridge.connectors.transport.values import Headers
from calbridge.errors import Unavailable

TEXT = b"BEGIN:VCALENDAR\r\n" * 20_000


def decoded(packed: bytes, coding: str, limit: int = 2**20, piece: int | None = None) -> bytes:
    stream = io.BytesIO(packed)
    return read_body(lambda size: stream.read(piece or size), decoder_for(coding), limit)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("piece", [None, 1, 7])
@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("", TEXT[:500]),
        ("identity", TEXT[:500]),
        ("gzip", gzip.compress(TEXT)),
        ("X-GZip", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])),
        ("gzip", gzip.compress(TEXT) + bytes(8)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
    ],
)
def test_every_coding_gives_the_text_back_however_it_is_cut(coding: str, packed: bytes, piece: int | None) -> None:
    assert decoded(packed, coding, piece=piece) == (TEXT if coding not in ("", "identity") else TEXT[:500])


@pytest.mark.parametrize("coding", ["gzip", "deflate", ""])
def test_a_body_is_whole_or_refused_around_its_limit(coding: str) -> None:
    packers: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress, "": bytes}
    pack = packers[coding]
    assert decoded(pack(b"x" * 1000), coding, limit=1000) == b"x" * 1000
    with pytest.raises(Unavailable) as caught:
        decoded(pack(b"x" * 1001), coding, limit=1000)
    assert caught.value.code == "response_too_large"


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(TEXT)[:-9]),
        ("gzip", b"plain text"),
        ("deflate", zlib.compress(TEXT)[:-6]),
        ("br", b"x"),
        ("gzip, gzip", gzip.compress(gzip.compress(TEXT))),
    ],
)
def test_broken_cut_off_or_unasked_packing_is_a_malformed_answer(coding: str, packed: bytes) -> None:
    with pytest.raises(Unavailable) as caught:
        decoded(packed, coding)
    assert caught.value.code == "malformed_answer"


@pytest.mark.parametrize("packed", [gzip.compress(bytes(10**6)), gzip.compress(bytes(600)) * 1000])
def test_a_bomb_is_never_unpacked_further_than_the_room_there_is(packed: bytes) -> None:
    assert len(decoder_for("gzip").feed(packed, 1000)) == 1000


def test_an_empty_body_may_carry_any_known_coding() -> None:
    assert decoded(b"", "gzip") == b""


def test_header_names_ignore_case_and_repeated_fields_are_joined() -> None:
    headers = Headers([("WWW-Authenticate", "Basic"), ("ETag", '"1"'), ("www-authenticate", "Digest nonce=n")])
    assert headers["WWW-AUTHENTICATE"] == "Basic, Digest nonce=n"
    assert headers.get("etag") == '"1"'
    assert list(headers) == ["WWW-Authenticate", "ETag"]
    assert len(headers) == 2
    assert "x-none" not in headers
