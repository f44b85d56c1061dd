"""A calendar file as a tree that keeps every line as it was (RFC 5545 section 3.1, SYNC A6).

Lines are looked into only when asked, and what nobody changes is written back as it was read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from calbridge.connectors.ical.text import fold, lines_of

MAX_DEPTH = 8
MAX_COMPONENTS = 10_000
MAX_LINES = 200_000
_PARAMETER = re.compile(r';([^=;:"]*)=((?:"[^"]*"|[^";:])*)')
_LONGEST_NAME = 64
"""What is kept of names that were read before; a line without a colon may be one of megabytes."""
_BORDERS = frozenset("BEbe")
"""What BEGIN and END begin with."""
_KEPT_ZONES, _LARGEST_KEPT = 256, 8_192
_ZONES: dict[str, tuple[list[str], str]] = {}
"""By its first line the VTIMEZONE that was read last: its lines with the END, and its block. The files of a calendar
repeat it, and what is worked out of a block is found sooner for one that is the very same."""
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_CARET = re.compile(r"\^([n'^])")
_DECODED = {"n": "\n", "'": '"', "^": "^"}


class Malformed(ValueError):
    """Not a calendar file: parts that do not close, or close what was not opened."""


class TooLarge(ValueError):
    """More parts or lines than are looked at."""


class Line:
    """A content line: ``raw`` as read (unfolded), its upper-case ``name``, and value and parameters on demand."""

    __slots__ = ("_parameters", "_value", "name", "raw")

    def __init__(self, raw: str) -> None:
        self.raw = raw
        name = raw.partition(":")[0]
        if ";" in name:
            name = name.partition(";")[0]
        self.name = _upper(name) if len(name) <= _LONGEST_NAME else name.strip().upper()
        self._value: str | None = None
        self._parameters: dict[str, str] | None = None

    @property
    def value(self) -> str:
        """The raw value, escapes and all."""
        if self._value is None:
            self._look()
        return self._value or ""

    @property
    def parameters(self) -> Mapping[str, str]:
        """Upper-case name to value, without quotes, RFC 6868 undone."""
        if self._parameters is None:
            self._look()
        return self._parameters or {}

    def parameter(self, name: str) -> str:
        """One parameter, empty where absent."""
        return self.parameters.get(name, "")

    def _look(self) -> None:
        raw = self.raw
        head, _, value = raw.partition(":")
        if ";" not in head:
            self._value, self._parameters = value, {}
            return
        _, _, only = head.partition(";")
        if only.count("=") == 1 and ";" not in only and '"' not in only:
            # One plain parameter, as times have: what follows would find the same, much slower.
            name, _, given = only.partition("=")
            self._value, self._parameters = value, {name.strip().upper(): _plain(given)}
            return
        place = head.index(";")
        found: dict[str, str] = {}
        while place < len(raw) and raw[place] == ";":
            match = _PARAMETER.match(raw, place)
            if match is None:
                break
            found[match.group(1).strip().upper()] = _plain(match.group(2))
            place = match.end()
        colon = raw.find(":", place)
        self._value = raw[colon + 1 :] if colon >= 0 else ""
        self._parameters = found


@lru_cache(maxsize=4096)
def _upper(name: str) -> str:
    return name.strip().upper()


def _plain(value: str) -> str:
    value = value.strip().replace('"', "")
    return _CARET.sub(lambda found: _DECODED[found.group(1)], value) if "^" in value else value


def line(name: str, value: str, parameters: Mapping[str, str] | None = None) -> Line:
    """A new content line; of the value only control characters go, parameters are quoted and encoded (RFC 6868)."""
    given = "".join(f";{key}={_quoted(text)}" for key, text in (parameters or {}).items())
    return Line(f"{name}{given}:{_CONTROLS.sub('', value)}")


def with_parameters(found: Line, given: Mapping[str, str | None]) -> Line:
    """A content line with these parameters (upper-case names) set, or taken out with None.

    The others stay as they are written: one may hold a list of quoted values (RFC 5545 section 3.2.5).
    """
    raw = found.raw
    head = raw.partition(":")[0]
    place = len(head.partition(";")[0])
    written, missing = [raw[:place]], {name: text for name, text in given.items() if text is not None}
    while match := _PARAMETER.match(raw, place):
        name = match.group(1).strip().upper()
        if name not in given:
            written.append(match.group())
        elif name in missing:
            written.append(f";{name}={_quoted(missing.pop(name))}")
        place = match.end()
    written.extend(f";{name}={_quoted(text)}" for name, text in missing.items())
    return Line("".join(written) + raw[place:])


def _quoted(text: str) -> str:
    text = _CONTROLS.sub("", text.replace("^", "^^").replace('"', "^'").replace("\n", "^n"))
    return f'"{text}"' if re.search(r"[,;:]", text) else text


class Component:
    """A BEGIN..END part. A VTIMEZONE is kept as one ``block`` of text, because hardly anybody looks into it."""

    __slots__ = ("block", "items", "name")

    def __init__(self, name: str, items: Iterable[Line | Component] = (), block: str | None = None) -> None:
        self.name = name
        self.items: list[Line | Component] = list(items)
        self.block = block

    def lines(self, *names: str) -> list[Line]:
        """Its own properties of these names, in order."""
        return [item for item in self.items if isinstance(item, Line) and item.name in names]

    def first(self, name: str) -> Line | None:
        """The first property of a name."""
        for item in self.items:
            if item.name == name and isinstance(item, Line):
                return item
        return None

    def value(self, name: str) -> str:
        """The raw value of the first property of a name, empty where absent."""
        found = self.first(name)
        return found.value if found else ""

    def parts(self, *names: str) -> list[Component]:
        """Its direct parts, of these names where some are given."""
        return [item for item in self.items if isinstance(item, Component) and (not names or item.name in names)]

    def walk(self) -> Iterator[Component]:
        """Itself and everything below."""
        yield self
        for part in self.parts():
            yield from part.walk()

    def put(self, names: Iterable[str], new: Iterable[Line]) -> None:
        """Replace all properties of these names by new lines, at the place of the first one."""
        gone, fresh = frozenset(names), list(new)
        place = self._place(gone)
        before = [item for item in self.items[:place] if not _is_named(item, gone)]
        after = [item for item in self.items[place:] if not _is_named(item, gone)]
        self.items = [*before, *fresh, *after]

    def _place(self, names: frozenset[str]) -> int:
        """Where a property of these names stands, else behind the last property."""
        for index, item in enumerate(self.items):
            if _is_named(item, names):
                return index
        return next((index for index, item in enumerate(self.items) if isinstance(item, Component)), len(self.items))

    def keep(self, wanted: Callable[[Line | Component], bool]) -> None:
        """Drop every item that is not wanted."""
        self.items = [item for item in self.items if wanted(item)]

    def copy(self) -> Component:
        """A copy whose parts can be changed by themselves; lines never change and are shared."""
        return Component(
            self.name, (item.copy() if isinstance(item, Component) else item for item in self.items), self.block
        )


def _is_named(item: Line | Component, names: frozenset[str]) -> bool:
    return isinstance(item, Line) and item.name in names


def parse(body: bytes) -> Component:
    """The tree of a body under a nameless root. :raises Undecodable, Malformed, TooLarge: see there."""
    lines = lines_of(body)
    end_of_lines = len(lines)
    if end_of_lines > MAX_LINES:
        raise TooLarge
    root = Component("")
    stack = [root]
    here = root.items
    count = index = 0
    while index < end_of_lines:
        raw = lines[index]
        index += 1
        start = raw[:6].upper() if raw[0] in _BORDERS else ""
        if start == "BEGIN:":
            count += 1
            if count > MAX_COMPONENTS or len(stack) > MAX_DEPTH:
                raise TooLarge
            part = Component(raw[6:].strip().upper())
            here.append(part)
            if part.name == "VTIMEZONE":
                part.block, index = _zone_at(lines, index)
            else:
                stack.append(part)
                here = part.items
        elif start[:4] == "END:":
            if len(stack) == 1 or stack[-1].name != raw[4:].strip().upper():
                raise Malformed
            stack.pop()
            here = stack[-1].items
        else:
            here.append(Line(raw))
    if len(stack) > 1:
        raise Malformed
    return root


def _zone_at(lines: list[str], index: int) -> tuple[str, int]:
    """The block of a VTIMEZONE that begins there, and the place behind its END. :raises Malformed: it has none."""
    known = _ZONES.get(lines[index]) if index < len(lines) else None
    if known is not None and lines[index : index + len(known[0])] == known[0]:
        return known[1], index + len(known[0])
    end = _end_of_zone(lines, index)
    block = "\n".join(lines[index : end - 1])
    if len(block) + len(lines[end - 1]) <= _LARGEST_KEPT:
        if len(_ZONES) >= _KEPT_ZONES:
            _ZONES.clear()
        _ZONES[lines[index]] = (lines[index:end], block)
    return block, end


def _end_of_zone(lines: list[str], index: int) -> int:
    for place in range(index, len(lines)):
        if lines[place][:13].upper() == "END:VTIMEZONE":
            return place + 1
    raise Malformed


def serialise(root: Component) -> bytes:
    """The file of a tree: CRLF, folded (RFC 5545 section 3.1)."""
    return b"".join(_written(root))


def _written(part: Component) -> Iterator[bytes]:
    if part.name:
        yield fold(f"BEGIN:{part.name}")
    if part.block:
        yield from (fold(raw) for raw in part.block.split("\n"))
    for item in part.items:
        if isinstance(item, Line):
            yield fold(item.raw)
        else:
            yield from _written(item)
    if part.name:
        yield fold(f"END:{part.name}")
