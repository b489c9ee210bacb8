"""The configuration: `breakeven.yaml`, read once into frozen objects, every fault with file and line."""

from breakeven.settings.alerts import AlertSettings, SinkSettings
from breakeven.settings.gateway import AccountsSettings, GatewaySettings, Route, RouteTarget
from breakeven.settings.loading import CURRENCY, NOT_ENFORCED, SECTIONS, Feature, Settings, load_settings, parse_settings
from breakeven.settings.providers import PROVIDER_FIELDS, ProviderSettings
from breakeven.settings.vendors import VENDOR_DEFAULTS

__all__ = [
    "CURRENCY",
    "NOT_ENFORCED",
    "PROVIDER_FIELDS",
    "SECTIONS",
    "VENDOR_DEFAULTS",
    "AccountsSettings",
    "AlertSettings",
    "Feature",
    "GatewaySettings",
    "ProviderSettings",
    "Route",
    "RouteTarget",
    "Settings",
    "SinkSettings",
    "load_settings",
    "parse_settings",
]
