"""How many copies of ours new settings would take out of a calendar (SYNC B3)."""

from __future__ import annotations

from calbridge.domain.settings_json import IntegrationSettings, settings_in
from calbridge.store.integrations import StoredIntegration
from calbridge.store.work import Work
from calbridge.sync.memory import MadeBy
from calbridge.sync.project import LEAVING, Withdraw, project

PAGE = 500


def count_leaving(work: Work, integration: StoredIntegration, after: IntegrationSettings) -> int:
    """Events made by us that ``after`` removes and the present settings do not."""
    before = settings_in(integration.settings)
    if before.options.send == after.options.send:
        return 0
    number = 0
    place: str | None = None
    while links := work.memories.links(integration.id, after=place, limit=PAGE):
        place = links[-1].id
        ours = [link for link in links if link.live and link.made_by is MadeBy.US]
        items = work.items.many(integration.user_id, [link.item_id for link in ours])
        for link in ours:
            item = items.get(link.item_id)
            if item is None or item.deleted:
                continue
            now = project(item, after.options, link.made_by, integration.id)
            was = project(item, before.options, link.made_by, integration.id)
            number += isinstance(now, Withdraw) and now.reason in LEAVING and not isinstance(was, Withdraw)
    return number
