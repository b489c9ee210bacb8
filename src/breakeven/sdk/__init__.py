"""Tag AI calls with who they are for, and report what they achieved. Needs nothing but Python.

from breakeven import sdk

client = sdk.attach(OpenAI(base_url="http://127.0.0.1:4000/v1"))
with sdk.tag(feature="support", customer="acme"):
    client.chat.completions.create(...)
    sdk.outcome("ticket", succeeded=True)
"""

from __future__ import annotations

from breakeven.sdk.attribution import attribution, carried, headers, tag, tagged
from breakeven.sdk.clients import add_headers, add_headers_async, attach
from breakeven.sdk.outcomes import configure, flush, outcome, stats

__all__ = [
    "add_headers",
    "add_headers_async",
    "attach",
    "attribution",
    "carried",
    "configure",
    "flush",
    "headers",
    "outcome",
    "stats",
    "tag",
    "tagged",
]
