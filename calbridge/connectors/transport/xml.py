"""XML from outside: no entities, no DTD, no network, the parser's size limits left on."""

from __future__ import annotations

from lxml import etree

from calbridge.errors import Unavailable


def parse_xml(body: bytes) -> etree._Element:
    """The root element.

    Raises Unavailable (``malformed_answer``) for what is not well-formed and for every document with a DTD.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, dtd_validation=False, recover=False
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unavailable("not well-formed XML", code="malformed_answer", sent=True) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unavailable("XML with a DTD", code="malformed_answer", sent=True)
    return root
