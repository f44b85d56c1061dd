"""The batch endpoint: several calls in one multipart request (dossier 8)."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP

from tests.doubles.google.refusing import Answer, bad

MOST = 1000
BOUNDARY = "batch_google_double"


@dataclass(frozen=True)
class Part:
    """One call of a batch."""

    content_id: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def parts_of(content_type: str, body: bytes) -> list[Part]:
    """The calls of a batch. Raises ApiError 400 for what is none."""
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    if not message.is_multipart():
        raise bad("Failed to parse batch request, not multipart", None, "badRequest")
    found = []
    for each in message.iter_parts():
        if each.get_content_type() != "application/http":
            raise bad("Failed to parse batch request, a part is no application/http", None, "badRequest")
        line, _, rest = each.get_payload(decode=True).partition(b"\n")
        method, target, _ = line.decode().strip().split(" ", 2)
        inner = BytesParser(policy=HTTP).parsebytes(rest)
        headers = {name.lower(): value for name, value in inner.items()}
        found.append(Part(each["Content-ID"], method, target, headers, inner.get_payload(decode=True) or b""))
    if not 0 < len(found) <= MOST:
        raise bad("The batch request has no or too many calls", None, "badRequest")
    return found


def order(parts: Sequence[Part], *, shuffled: bool) -> list[Part]:
    """The order in which the calls are done."""
    found = list(parts)
    if shuffled:
        random.Random(len(parts)).shuffle(found)
    return found


def composed(answers: Sequence[tuple[Part, Answer]]) -> tuple[bytes, str]:
    """The answer to a batch, and its content type."""
    lines: list[bytes] = []
    for part, answer in answers:
        body, kind = answer.encoded()
        content_id = part.content_id.replace("<", "<response-", 1)
        lines += [
            f"--{BOUNDARY}".encode(),
            b"Content-Type: application/http",
            f"Content-ID: {content_id}".encode(),
            b"",
        ]
        lines += [f"HTTP/1.1 {answer.status} Answer".encode(), f"Content-Type: {kind}".encode()]
        lines += [f"{name}: {value}".encode() for name, value in answer.headers.items()]
        lines += [f"Content-Length: {len(body)}".encode(), b"", body]
    lines += [f"--{BOUNDARY}--".encode(), b""]
    return b"\r\n".join(lines), f"multipart/mixed; boundary={BOUNDARY}"


def json_body(body: bytes) -> object:
    """A JSON body; None for an empty one. Raises ApiError 400."""
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except ValueError:
        raise bad("Parse Error", None, "parseError") from None


Call = Callable[[Part], Answer]
