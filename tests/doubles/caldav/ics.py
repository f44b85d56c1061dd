"""Just enough iCalendar for the double: lines, components, folding (RFC 5545 section 3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_PROPERTY = re.compile(
    r'^([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)*):(.*)$', re.S
)
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)=("[^"]*"|[^";:]*)')


class NotCalendar(ValueError):
    """The bytes are no iCalendar stream."""


@dataclass(frozen=True)
class Property:
    """One unfolded content line; ``parameters`` is the raw text from the first ``;`` to the colon."""

    name: str
    parameters: str
    value: str

    @property
    def text(self) -> str:
        return f"{self.name}{self.parameters}:{self.value}"

    def parameter(self, name: str) -> str | None:
        """Value of a parameter without quotes."""
        found = (v for k, v in _PARAMETER.findall(self.parameters) if k.upper() == name)
        return next((value.strip('"') for value in found), None)


@dataclass
class Component:
    """A component with its properties in order and its subcomponents after them."""

    name: str
    properties: list[Property] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)

    def get(self, name: str) -> Property | None:
        """The first property of that name."""
        return next((p for p in self.properties if p.name == name), None)

    def value(self, name: str) -> str | None:
        """The first value of that name."""
        found = self.get(name)
        return None if found is None else found.value

    def all(self, name: str) -> list[Property]:
        """Every property of that name."""
        return [p for p in self.properties if p.name == name]

    def replace(self, name: str, new: Property | None) -> None:
        """Put ``new`` in the place of the first property of that name, or remove that one."""
        for index, present in enumerate(self.properties):
            if present.name == name:
                self.properties[index : index + 1] = [] if new is None else [new]
                return
        if new is not None:
            self.properties.append(new)

    def children(self, *names: str) -> Iterator[Component]:
        """Direct subcomponents with one of these names."""
        return (child for child in self.components if child.name in names)


def unfold(body: bytes) -> list[str]:
    """Content lines without folding and line ends."""
    text = body.decode("utf-8", errors="replace").replace("\r\n", "\n")
    return [line for line in re.sub(r"\n[ \t]", "", text).split("\n") if line]


def parse(body: bytes) -> Component:
    """The VCALENDAR.

    :raises NotCalendar: anything else than one well-nested VCALENDAR.
    """
    root = Component("")
    stack = [root]
    for line in unfold(body):
        match = _PROPERTY.match(line)
        if match is None:
            raise NotCalendar("a line is no property")
        name, parameters, value = match[1].upper(), match[2], match[3]
        if name == "BEGIN":
            child = Component(value.upper())
            stack[-1].components.append(child)
            stack.append(child)
        elif name == "END":
            if len(stack) < 2 or stack.pop().name != value.upper():
                raise NotCalendar("components are not nested")
        else:
            stack[-1].properties.append(Property(name, parameters, value))
    if len(stack) != 1 or root.properties or [c.name for c in root.components] != ["VCALENDAR"]:
        raise NotCalendar("not one VCALENDAR")
    return root.components[0]


def serialise(component: Component, *, width: int = 75) -> bytes:
    """Bytes with CRLF, folded at ``width`` octets."""
    return b"".join(_fold(line, width) + b"\r\n" for line in _lines(component))


def items(calendar: Component) -> list[Component]:
    """The components that are entries: everything but VTIMEZONE."""
    return [child for child in calendar.components if child.name != "VTIMEZONE"]


def uids(body: bytes) -> list[str]:
    """The UIDs in a body, each once, in order; works on broken bodies too."""
    found = (re.match(r"UID(?:;[^:]*)?:(.*)$", line, re.I) for line in unfold(body))
    return list(dict.fromkeys(match[1] for match in found if match))


def _lines(component: Component) -> Iterator[str]:
    yield f"BEGIN:{component.name}"
    for present in component.properties:
        yield present.text
    for child in component.components:
        yield from _lines(child)
    yield f"END:{component.name}"


def _fold(line: str, width: int) -> bytes:
    parts: list[bytes] = [b""]
    for character in line:
        octets = character.encode()
        if len(parts[-1]) + len(octets) > width:
            parts.append(b" ")
        parts[-1] += octets
    return b"\r\n".join(parts)
