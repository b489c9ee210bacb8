"""Azure OpenAI: OpenAI's APIs under deployment names.

The deployment in the address is the customer's own name for it; the model that the price depends on is the one in the body.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from breakeven.providers.anthropic import MESSAGES
from breakeven.providers.apis import Address, Vendor
from breakeven.providers.openai import APIS, SHORT_NAMES, path_api
from breakeven.providers.reading import facts

_DEPLOYMENT = re.compile(r"/openai/deployments/(?P<deployment>[^/?]+)")


def address(url: str) -> Address:
    """The deployment, for the record, and the API."""
    found = _DEPLOYMENT.search(url)
    api = "anthropic" if "/anthropic/" in url else path_api(url)
    return Address(api=api, context=facts(deployment=unquote(found["deployment"]) if found else ""))


AZURE = Vendor(
    "azure",
    (*APIS, MESSAGES),
    ("azure_openai", "azure-openai", "azure_ai", "microsoft"),
    ("openai.azure.com", "services.ai.azure.com", "cognitiveservices.azure.com", "models.ai.azure.com"),
    {**SHORT_NAMES, "messages": "anthropic"},
    address,
)
