"""The ``fields`` selector of partial answers."""

from __future__ import annotations

from typing import Any

from tests.doubles.google.refusing import bad

Tree = dict[str, Any]


def parsed(selector: str) -> Tree:
    """``a,b(c,d/e)`` as nested names. Raises ApiError 400 where it is none."""
    tree, rest = _names(selector)
    if rest:
        raise bad("Invalid field selection", "fields", "invalidParameter")
    return tree


def _names(text: str) -> tuple[Tree, str]:
    tree: Tree = {}
    while True:
        name, text = _word(text)
        if text.startswith("("):
            inner, text = _names(text[1:])
            if not text.startswith(")"):
                raise bad("Invalid field selection", "fields", "invalidParameter")
            text = text[1:]
        elif text.startswith("/"):
            inner, text = _path(text[1:])
        else:
            inner = {}
        tree.setdefault(name, {}).update(inner)
        if not text.startswith(","):
            return tree, text
        text = text[1:]


def _path(text: str) -> tuple[Tree, str]:
    name, text = _word(text)
    if text.startswith("/"):
        inner, text = _path(text[1:])
        return {name: inner}, text
    return {name: {}}, text


def _word(text: str) -> tuple[str, str]:
    end = next((place for place, char in enumerate(text) if char in ",()/"), len(text))
    if not end:
        raise bad("Invalid field selection", "fields", "invalidParameter")
    return text[:end], text[end:]


def selected(value: Any, tree: Tree) -> Any:
    """The chosen part of an answer."""
    if not tree or "*" in tree:
        return value
    if isinstance(value, list):
        return [selected(each, tree) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: selected(value[name], inner) for name, inner in tree.items() if name in value}
