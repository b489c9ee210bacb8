"""The section `shipping`: gateways on many hosts hand their segments over through an object store.

shipping: {role: ship, bucket: company-breakeven, prefix: prod, region: eu-central-1}
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from breakeven.settings.quantities import seconds
from breakeven.yamlfields import Fields, Problems
from breakeven.yamlfile import Node

SHIPPING_FIELDS = ("role", "bucket", "prefix", "region", "endpoint", "every", "lease")
Role = Literal["ship", "collect"]
ROLES: tuple[Role, ...] = ("ship", "collect")
EVERY, LEASE = 2.0, 120.0
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")
_PREFIX = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*\Z")


@dataclass(frozen=True, slots=True)
class ShippingSettings:
    """`ship`: closed segments go to the bucket; `collect`: this ledger takes them from there. Credentials are the environment's.

    `every`: seconds between looks; `lease`: seconds for which a collector that has begun with a segment has it to itself.
    """

    role: Role
    bucket: str
    prefix: str = "breakeven"
    region: str = "us-east-1"
    endpoint: str | None = None
    every: float = EVERY
    lease: float = LEASE


def shipping_of(node: Node | None, problems: Problems) -> ShippingSettings | None:
    """The section, checked; None where it is not there: the host keeps its own ledger."""
    if node is None or (node.value is None and node.mapping is None):
        return None
    fields = Fields(node, "shipping", SHIPPING_FIELDS, problems)
    fields.text("role", required=True)
    bucket = fields.text("bucket", required=True) or ""
    if bucket and not _BUCKET.match(bucket):
        fields.fault("bucket", f"{bucket!r} is no bucket's name", "Write 3 to 63 small letters, digits, dots and hyphens.")
    prefix = (fields.text("prefix") or "breakeven").strip("/")
    if not _PREFIX.match(prefix):
        fields.fault("prefix", f"{prefix[:40]!r} is no prefix", "Write letters, digits, `.`, `_`, `-`, and `/` between them.")
    endpoint = fields.text("endpoint")
    if endpoint is not None and (not endpoint.startswith(("http://", "https://")) or "@" in endpoint):
        fields.fault(
            "endpoint", "endpoint is no address", "Write https://HOST, without credentials; those come from the environment."
        )
    return ShippingSettings(
        fields.choice("role", ROLES, "ship"),
        bucket,
        prefix,
        fields.text("region") or "us-east-1",
        endpoint,
        seconds(fields, "every", EVERY),
        seconds(fields, "lease", LEASE),
    )
