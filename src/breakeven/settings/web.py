"""The section `web`: who may reach the dashboard and its API, for how long somebody stays signed in, how numbers are written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from breakeven.settings.quantities import flag, whole
from breakeven.yamlfields import Fields, Problems
from breakeven.yamlfile import Node

WEB_FIELDS = ("allowed_hosts", "secure_cookies", "session_hours", "locale")
DEFAULT_SESSION_HOURS = 12
_LONGEST_SESSION_HOURS = 24 * 31
_HOST = re.compile(r"[A-Za-z0-9.-]+\Z")
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")


@dataclass(frozen=True, slots=True)
class WebSettings:
    """How the dashboard is reached.

    `allowed_hosts`: names under which browsers may ask, beside this machine's own; anything else is turned away, so that no other
    web page can speak with the dashboard under a name of its own (DNS rebinding).
    """

    allowed_hosts: tuple[str, ...] = ()
    secure_cookies: bool = False
    session_hours: int = DEFAULT_SESSION_HOURS
    locale: str = "en"


def web_settings(node: Node | None, problems: Problems) -> WebSettings:
    """The section, checked."""
    if node is None or node.value is None:
        return WebSettings()
    fields = Fields(node, "web", WEB_FIELDS, problems)
    hosts = fields.words("allowed_hosts")
    for host in hosts:
        if not _HOST.match(host):
            fields.fault("allowed_hosts", f"{host!r} is no host name", "Write names such as costs.example.org, without port.")
    locale = fields.text("locale") or "en"
    if not _LOCALE.match(locale):
        fields.fault("locale", f"{locale!r} is no locale", "Write one such as en, en-GB or de-CH.")
    return WebSettings(
        allowed_hosts=hosts,
        secure_cookies=flag(fields, "secure_cookies", default=False),
        session_hours=whole(fields, "session_hours", DEFAULT_SESSION_HOURS, 1, _LONGEST_SESSION_HOURS),
        locale=locale,
    )
