"""Bytes to lines and back (RFC 5545 sections 3.1 and 3.3.11)."""

from __future__ import annotations

import re

_FOLD = re.compile(rb"\r*\n[ \t]")
_LINE_END = re.compile(r"\r*\n")
_ESCAPED = re.compile(r"\\([\\;,nN])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
FOLD_OCTETS = 75


class Undecodable(ValueError):
    """The bytes are text in no encoding that could be written back without loss."""


def lines_of(body: bytes) -> list[str]:
    """The unfolded content lines of a body, without empty ones. :raises Undecodable: see there."""
    text = _decoded(body)
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            text = _LINE_END.sub("\n", text)
    return [line for line in text.split("\n") if line and not line.isspace()]


def _decoded(body: bytes) -> str:
    """Text of a body; folds are undone first, because some programs fold inside a character."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return re.sub(r"\r*\n[ \t]", "", body.decode("utf-16"))
        except UnicodeDecodeError as error:
            raise Undecodable from error
    if b"\n" not in body and b"\r" in body:
        body = body.replace(b"\r", b"\n")
    plain = body.removeprefix(b"\xef\xbb\xbf")
    if b"\n " in plain or b"\n\t" in plain:
        plain = _FOLD.sub(b"", plain)
    try:
        return plain.decode("utf-8")
    except UnicodeDecodeError:
        return _legacy(plain)


def _legacy(plain: bytes) -> str:
    """Text in an old encoding; a mixture with UTF-8 can't be told apart and is refused."""
    rest = plain.decode("utf-8", errors="ignore")
    if not rest.isascii():
        raise Undecodable
    try:
        return plain.decode("cp1252")
    except UnicodeDecodeError:
        return plain.decode("latin-1")


def fold(line: str) -> bytes:
    """A content line with CRLF, folded at 75 octets without splitting a character."""
    data = line.encode("utf-8")
    if len(data) <= FOLD_OCTETS:
        return data + b"\r\n"
    parts: list[bytes] = []
    start, room = 0, FOLD_OCTETS
    while len(data) - start > room:
        end = start + room
        while data[end] & 0xC0 == 0x80:
            end -= 1
        parts.append(data[start:end])
        start, room = end, FOLD_OCTETS - 1
    parts.append(data[start:])
    return b"\r\n ".join(parts) + b"\r\n"


def unescape(value: str) -> str:
    """A TEXT value as people read it, without control characters; other backslashes stay what they are."""
    if "\\" in value:
        value = _ESCAPED.sub(lambda found: "\n" if found.group(1) in "nN" else found.group(1), value)
    return value if value.isprintable() else _CONTROLS.sub("", value)


def escape(text: str) -> str:
    """A text as a TEXT value."""
    text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def split_list(value: str) -> list[str]:
    """The raw members of a list of TEXT values: commas that are not escaped part them."""
    return re.split(r"(?<!\\),", value) if "\\\\" not in value else _split_slowly(value)


def _split_slowly(value: str) -> list[str]:
    found, escaped = [""], False
    for char in value:
        if char == "," and not escaped:
            found.append("")
            continue
        found[-1] += char
        escaped = char == "\\" and not escaped
    return found
