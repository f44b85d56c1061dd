"""Nonsense in place of an answer: what a client must survive without harm."""

from __future__ import annotations

import functools
import gzip
import itertools
import zlib
from collections.abc import Iterator

from tests.doubles.caldav.messages import Response, login_page, xml_response
from tests.doubles.caldav.quirks import Breakage
from tests.doubles.caldav.site import multistatus

HUGE_BYTES = 50_000_000
BOMB_BYTES = 200_000_000
DEPTH = 20_000
_MEGABYTE = b" " * 1_000_000
_OPEN = b'<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">'
_CLOSE = b"</D:multistatus>"


def broken(kind: Breakage, answer: Response) -> Response:
    """The answer replaced as the switch says; ``content_type`` keeps the body."""
    if kind == "content_type":
        return Response(answer.status, answer.body, [("Content-Type", "image/png")])
    if kind == "html":
        return login_page()
    if kind == "empty":
        return multistatus([])
    if kind == "not_xml":
        return Response(207, b"<D:multistatus", [("Content-Type", "application/xml")])
    if kind == "gzip_bomb":
        return Response(207, _bomb(), [("Content-Type", "application/xml"), ("Content-Encoding", "gzip")])
    if kind == "huge":
        return Response(207, _OPEN + b" " * HUGE_BYTES + _CLOSE, [("Content-Type", "application/xml")])
    return xml_response(207, {"entity_bomb": _entity_bomb, "external_entity": _external, "deep": _deep}[kind]())


def compressed(answer: Response, etag: str) -> Response:
    """The answer with gzip as content coding, and its ETag as the switch ``gzip_etag`` says."""
    headers = [(name, _respelled(value, etag) if name == "ETag" else value) for name, value in answer.headers]
    headers.append(("Content-Encoding", "gzip"))
    return Response(answer.status, gzip.compress(answer.body, mtime=0), headers)


def _respelled(etag: str, how: str) -> str:
    if how == "suffix":
        return f'{etag[:-1]}-gzip"'
    return f"W/{etag.removeprefix('W/')}" if how == "weak" else etag


def _entity_bomb() -> str:
    names = [f"e{level}" for level in range(10)]
    lines = ['<!ENTITY e0 "laughter">']
    lines += [f'<!ENTITY {name} "{f"&{lower};" * 10}">' for lower, name in itertools.pairwise(names)]
    return f'<!DOCTYPE m [{"".join(lines)}]><D:multistatus xmlns:D="DAV:">&e9;</D:multistatus>'


def _external() -> str:
    return (
        '<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/hostname">]><D:multistatus xmlns:D="DAV:"><D:response>'
        "<D:href>&x;</D:href></D:response></D:multistatus>"
    )


def _deep() -> str:
    return f'<D:multistatus xmlns:D="DAV:">{"<D:a>" * DEPTH}{"</D:a>" * DEPTH}</D:multistatus>'


@functools.cache
def _bomb() -> bytes:
    def plain() -> Iterator[bytes]:
        yield _OPEN
        for _ in range(BOMB_BYTES // len(_MEGABYTE)):
            yield _MEGABYTE
        yield _CLOSE

    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return b"".join([*(packer.compress(part) for part in plain()), packer.flush()])
