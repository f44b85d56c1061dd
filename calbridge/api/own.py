"""Integrations and runs that the caller may see: with a token, those of its user alone."""

from __future__ import annotations

from calbridge.api.here import Here
from calbridge.errors import Refused
from calbridge.service.integrations import get_integration
from calbridge.service.runs import get_run
from calbridge.service.views import IntegrationView, RunView


def own_integration(here: Here, integration_id: str) -> IntegrationView:
    """One integration. Raises Refused (``integration_not_found``), also where it is somebody else's."""
    found = get_integration(here.parts, here.tenant, integration_id)
    if here.caller.user_id is not None and found.user_id != here.caller.user_id:
        raise Refused(code="integration_not_found", integration=integration_id)
    return found


def own_run(here: Here, integration_id: str, run_id: str) -> RunView:
    """One run of an integration. Raises Refused (``integration_not_found``, ``run_not_found``)."""
    own_integration(here, integration_id)
    found = get_run(here.parts, here.tenant, run_id)
    if found.integration_id != integration_id:
        raise Refused(code="run_not_found", run=run_id)
    return found
