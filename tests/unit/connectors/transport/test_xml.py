from __future__ import annotations

import pytest

from calbridge.connectors.transport import parse_xml
from calbridge.errors import Unavailable

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    + "]><b>&a11;</b>"
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<a><b></a>",
        b"<a>",
        BOMB.encode(),
        BOMB.encode("utf-16"),
        b'<!DOCTYPE a SYSTEM "file:///etc/hostname"><a/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
        b"<!DOCTYPE a><a/>",
        b"<a>" * 5000 + b"</a>" * 5000,
        b"<?xml version='1.0' encoding='no-such'?><a/>",
    ],
)
def test_documents_that_are_broken_or_declare_a_dtd_are_refused(body: bytes) -> None:
    with pytest.raises(Unavailable) as caught:
        parse_xml(body)
    assert caught.value.code == "malformed_answer"


def test_ordinary_documents_are_read_with_their_namespaces() -> None:
    root = parse_xml(
        '<?xml version="1.0" encoding="utf-8"?><d:multistatus xmlns:d="DAV:"><d:x>ü</d:x></d:multistatus>'.encode()
    )
    assert (root.tag, root[0].text) == ("{DAV:}multistatus", "ü")
