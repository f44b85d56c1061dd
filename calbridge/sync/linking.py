"""Single unlinked events that a person decided about (DESIGN 7: known rows)."""

from __future__ import annotations

from calbridge.connectors.contract import Connector, Seen
from calbridge.errors import Refused
from calbridge.sync.engine import context as context_of
from calbridge.sync.memory import MadeBy
from calbridge.sync.observe import adopt, copy_event
from calbridge.sync.ports import Clock, Keys, RunStore


def take(connector: Connector, store: RunStore, clock: Clock, keys: Keys, seen: Seen, item_id: str | None) -> None:
    """Pair a fetched event with an item, or without one retrieve it as a new item whatever the options say.

    :raises Refused: ``already_exists``: the item or the event has a link; ``item_not_found``.
    """
    assert seen.event is not None
    ctx = context_of(connector, store, clock, keys)
    with store.page() as page:
        linked = page.links_at([seen.remote_id]).get(seen.remote_id)
        if linked is not None and linked.live:
            raise Refused(code="already_exists", what="link")
        if item_id is None:
            copy_event(ctx, page, seen.event, seen)
            return
        item = page.item(item_id)
        if item is None or item.deleted:
            raise Refused(code="item_not_found", item=item_id)
        link = page.links_of([item_id]).get(item_id)
        if link is not None and link.live:
            raise Refused(code="already_exists", what="link")
        adopt(ctx, page, item, seen, MadeBy.ADOPTED, link if link is not None and link.remote_id is None else None)
