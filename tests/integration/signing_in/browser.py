"""A browser as far as signing in needs one: it keeps cookies, follows redirects, and fills in forms by hand.

It speaks TLS to calbridge, so that ``Secure`` and ``__Host-`` mean here what they mean in the field: the jar of
`requests` sends such cookies over https alone. The prefix's rules (Secure, Path=/, no Domain), which browsers hold and
the jar does not, are held by :meth:`Browser._hold_prefixes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests

MOST_REDIRECTS = 10


@dataclass
class Form:
    """A form: its hidden and written fields, boxes that are ticked, and buttons."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    boxes: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Shown:
    """What the browser shows, and the redirects on the way. ``left``: it was sent to a place of no concern here."""

    url: str
    status: int
    text: str
    headers: Mapping[str, str]
    forms: list[Form]
    links: list[str]
    words: str
    way: list[requests.Response]
    left: bool = False


class Browser:
    """One browser of one person. ``ours`` are hosts that are really visited."""

    def __init__(self, authority: Path) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(authority)

    def close(self) -> None:
        self.session.close()

    def open(self, url: str) -> Shown:
        """Type an address."""
        return self._go("GET", url, None)

    def follow(self, shown: Shown) -> Shown:
        """Click the only link."""
        (link,) = shown.links
        return self.open(link)

    def submit(self, shown: Shown, button: tuple[str, str], *, untick: Sequence[str] = (), **written: str) -> Shown:
        """Press a button of the only form."""
        (form,) = shown.forms
        fields = [*(form.fields | written).items(), *(each for each in form.boxes if each[1] not in untick), button]
        return self._go("POST", form.action, fields)

    def _go(self, method: str, url: str, form: list[tuple[str, str]] | None) -> Shown:
        way: list[requests.Response] = []
        for _ in range(MOST_REDIRECTS):
            if urlsplit(url).hostname != "127.0.0.1":
                return Shown(url, 0, "", {}, [], [], "", way, left=True)
            answer = self.session.request(method, url, data=form, allow_redirects=False, timeout=30)
            self._hold_prefixes(answer)
            if answer.status_code not in (302, 303):
                return _shown(answer, way)
            way.append(answer)
            url = urljoin(url, answer.headers["Location"])
            method, form = "GET", None
        raise AssertionError("too many redirects")

    def _hold_prefixes(self, answer: requests.Response) -> None:
        """RFC 6265bis, 4.1.3.2."""
        for header in answer.raw.headers.getlist("Set-Cookie"):
            if header.startswith("__Host-"):
                attributes = {each.strip().lower() for each in header.split(";")[1:]}
                assert urlsplit(answer.url).scheme == "https"
                assert {"secure", "path=/"} <= attributes
                assert not any(each.startswith("domain") for each in attributes)


def _shown(answer: requests.Response, way: list[requests.Response]) -> Shown:
    reader = _Reader(answer.url)
    reader.feed(answer.text)
    words = " ".join(" ".join(reader.words).split())
    return Shown(answer.url, answer.status_code, answer.text, answer.headers, reader.forms, reader.links, words, way)


class _Reader(HTMLParser):
    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self._inside.append(tag)
        if tag == "form":
            assert told["method"] == "post"
            self.forms.append(Form(urljoin(self.base, told["action"])))
        elif tag == "a":
            self.links.append(urljoin(self.base, told["href"]))
        elif tag == "input" and told.get("type") == "checkbox":
            self.forms[-1].boxes.append((told["name"], told["value"]))
        elif tag == "input":
            self.forms[-1].fields[told["name"]] = told["value"]
        elif tag == "script":
            raise AssertionError("a page with a script")

    def handle_data(self, data: str) -> None:
        if self._inside and self._inside[-1] != "style":
            self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass
