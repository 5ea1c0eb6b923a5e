"""Wires the settings of tenants to the deployment, once an execution environment; `wiring.audit` has their store."""

from functools import cache

from chancery.tenants.service import RedactionTrials, SettingsManager
from chancery.wiring.audit import settings_store, trail


@cache
def settings_manager() -> SettingsManager:
    return SettingsManager(settings_store(), trail())


@cache
def trials() -> RedactionTrials:
    return RedactionTrials(settings_store(), trail())
