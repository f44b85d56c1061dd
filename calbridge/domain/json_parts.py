"""Objects of JSON from outside, read name by name."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from calbridge.errors import Refused

E = TypeVar("E", bound=enum.StrEnum)
MAX_RECIPIENTS = 20
_MAIL = re.compile(r"[^\s@\x00-\x1f<>\"(),;:\\]{1,200}@[^\s@\x00-\x1f<>\"(),;:\\]{1,120}")


def invalid(field: str, problem: str) -> Refused:
    """The refusal of a value: ``invalid_value`` with ``field``, its dotted name."""
    return Refused(problem, code="invalid_value", field=field or "settings")


class Part:
    """An object of the JSON that is read name by name; what nobody read is unknown."""

    def __init__(self, data: object, path: str) -> None:
        if not isinstance(data, Mapping):
            raise invalid(path, "must be an object")
        self._data = data
        self._path = path
        self._read: set[str] = set()

    def field(self, name: str) -> str:
        """The dotted name of a value, as errors tell it."""
        return f"{self._path}.{name}" if self._path else name

    def value(self, name: str) -> Any:
        """Whatever stands there; None where nothing does."""
        self._read.add(name)
        return self._data.get(name)

    def has(self, name: str) -> bool:
        """Whether something other than null stands there."""
        return self.value(name) is not None

    def inner(self, name: str) -> Part:
        """The object that stands there; an empty one where nothing does."""
        found = self.value(name)
        return Part({} if found is None else found, self.field(name))

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        found = self.value(name)
        if found is not None and not isinstance(found, bool):
            raise invalid(self.field(name), "must be true or false")
        return default if found is None else found

    def choice(self, name: str, kind: type[E], default: E) -> E:
        """One of the words of ``kind``."""
        found = self.value(name)
        if found is None:
            return default
        if not isinstance(found, str) or found not in set(kind):
            raise invalid(self.field(name), f"must be one of {', '.join(kind)}")
        return kind(found)

    def number(self, name: str, least: int, most: int) -> int | None:
        """A whole number within bounds."""
        found = self.value(name)
        if found is None:
            return None
        if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= most:
            raise invalid(self.field(name), f"must be a whole number from {least} to {most}")
        return found

    def number_or(self, name: str, least: int, most: int, default: int) -> int:
        """A whole number within bounds, or ``default`` where nothing stands."""
        found = self.number(name, least, most)
        return default if found is None else found

    def text(self, name: str) -> str | None:
        """A text."""
        found = self.value(name)
        if found is not None and not isinstance(found, str):
            raise invalid(self.field(name), "must be text")
        return found

    def texts(self, name: str) -> tuple[str, ...] | None:
        """A list of texts."""
        found = self.value(name)
        if found is None:
            return None
        if not isinstance(found, (list, tuple)) or not all(isinstance(each, str) for each in found):
            raise invalid(self.field(name), "must be a list of texts")
        return tuple(found)

    def mails(self, name: str) -> tuple[str, ...]:
        """Mail addresses in a list, or in one text with ``;`` between them; lower case, each once."""
        found = self.value(name)
        told = found.split(";") if isinstance(found, str) else self.texts(name) or ()
        mails = tuple(dict.fromkeys(mail.strip().lower() for mail in told if mail.strip()))
        if len(mails) > MAX_RECIPIENTS or not all(_MAIL.fullmatch(mail) for mail in mails):
            raise invalid(self.field(name), f"must hold at most {MAX_RECIPIENTS} mail addresses")
        return mails

    def done(self) -> None:
        """Nothing stands there that nobody read. Raises Refused."""
        unknown = sorted(str(name) for name in self._data if name not in self._read)
        if unknown:
            raise invalid(self.field(unknown[0][:64]), "is not a setting")
