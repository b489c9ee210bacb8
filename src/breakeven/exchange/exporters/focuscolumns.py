"""The columns of FOCUS Cost and Usage, as SQL expressions over `sql/focus_charges.sql`, by profile.

Every column of the specification is in the file, null where we know nothing, because rules on one column read others.
"""

from __future__ import annotations

from collections.abc import Mapping

CURRENCY = "'USD'"
_TEXT = "CAST(NULL AS VARCHAR)"
_NUMBER = "CAST(NULL AS DECIMAL(38,18))"
_MONTH = "date_trunc('month', day)"
_USAGE = "NOT is_amount"


def _pairs(**values: str) -> str:
    """A JSON object of texts without what is null; null where nothing is left."""
    merged = ", ".join(f"'{name}': {value}" for name, value in values.items())
    return f"nullif(CAST(json_merge_patch('{{}}', to_json({{{merged}}})) AS VARCHAR), '{{}}')"  # a merge drops what is null


_SKU_PRICE = "CASE WHEN NOT is_amount THEN concat_ws('/', sku, nullif(factors, '')) END"
_DEVELOPER = (
    "coalesce(nullif(regexp_extract(model,"
    " '(?:^|[./])(anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|google)[./]', 1), ''),"
    " CASE WHEN provider IN ('openai', 'anthropic', 'google', 'mistral', 'cohere', 'deepseek', 'xai') THEN provider END)"
)
_VENDOR = "coalesce(vendor, provider, 'Unknown')"

_SHARED_COLUMNS: Mapping[str, str] = {
    "AvailabilityZone": _TEXT,
    "BilledCost": "CAST(cost AS DECIMAL(38,18))",
    "BillingAccountId": "account",
    "BillingAccountName": "coalesce(account_name, vendor, account)",
    "BillingAccountType": "'Organization'",
    "BillingCurrency": CURRENCY,
    "BillingPeriodEnd": f"CAST({_MONTH} + INTERVAL 1 MONTH AS TIMESTAMP)",
    "BillingPeriodStart": f"CAST({_MONTH} AS TIMESTAMP)",
    "CapacityReservationId": _TEXT,
    "CapacityReservationStatus": _TEXT,
    "ChargeCategory": (
        "CASE WHEN cause = 'credit' THEN 'Credit' WHEN cause = 'tax' THEN 'Tax' WHEN is_amount THEN 'Adjustment' ELSE 'Usage' END"
    ),
    "ChargeClass": "CASE WHEN is_correction THEN 'Correction' END",
    "ChargeDescription": (
        "CASE WHEN cause = 'tax' THEN 'Tax' || coalesce(' of invoice ' || invoice, '')"
        " WHEN cause IS NOT NULL THEN 'Posted to tie with an invoice: ' || cause || coalesce(', ' || model, '')"
        " WHEN is_correction THEN 'Reversal of a charge of an earlier period: ' || coalesce(model, 'unknown model')"
        " WHEN is_amount THEN 'Cost stated by the vendor less list: ' || coalesce(model, 'unknown model')"
        " WHEN state = 'unpriced' THEN 'No price is known, so the cost is unknown and not 0: ' || coalesce(model, 'unknown model')"
        " || ', ' || meter"
        " WHEN state = 'usage_missing' THEN 'Usage was not reported, so the cost is unknown and not 0: '"
        " || coalesce(model, 'unknown model')"
        " WHEN state = 'not_billed' THEN 'Not billed by the vendor: ' || coalesce(model, 'unknown model')"
        " ELSE coalesce(model, 'unknown model') || ', ' || meter END"
    ),
    "ChargeFrequency": "CASE WHEN is_amount THEN 'One-Time' ELSE 'Usage-Based' END",
    "ChargePeriodEnd": "CAST(day + INTERVAL 1 DAY AS TIMESTAMP)",
    "ChargePeriodStart": "CAST(day AS TIMESTAMP)",
    "CommitmentDiscountCategory": _TEXT,
    "CommitmentDiscountId": _TEXT,
    "CommitmentDiscountName": _TEXT,
    "CommitmentDiscountQuantity": _NUMBER,
    "CommitmentDiscountStatus": _TEXT,
    "CommitmentDiscountType": _TEXT,
    "CommitmentDiscountUnit": _TEXT,
    "ConsumedQuantity": f"CASE WHEN {_USAGE} THEN quantity * consumed_scale END",
    "ConsumedUnit": f"CASE WHEN {_USAGE} THEN consumed_unit END",
    "ContractedCost": "CAST(cost AS DECIMAL(38,18))",
    "ContractedUnitPrice": "contracted_unit_price",
    "EffectiveCost": "CAST(cost AS DECIMAL(38,18))",
    "InvoiceId": "invoice",
    "InvoiceIssuerName": _VENDOR,
    "ListCost": "CAST(list_cost AS DECIMAL(38,18))",
    "ListUnitPrice": "list_unit_price",
    "PricingCategory": f"CASE WHEN {_USAGE} THEN 'Standard' END",
    "PricingCurrency": CURRENCY,
    "PricingCurrencyContractedUnitPrice": "contracted_unit_price",
    "PricingCurrencyEffectiveCost": "CAST(cost AS DECIMAL(38,18))",
    "PricingCurrencyListUnitPrice": "list_unit_price",
    "PricingQuantity": f"CASE WHEN {_USAGE} THEN quantity * pricing_scale END",
    "PricingUnit": f"CASE WHEN {_USAGE} THEN pricing_unit END",
    "RegionId": "region",
    "RegionName": "region",
    "ResourceId": _TEXT,
    "ResourceName": _TEXT,
    "ResourceType": _TEXT,
    "ServiceCategory": "'AI and Machine Learning'",
    "ServiceName": f"coalesce(service, {_VENDOR})",
    "ServiceSubcategory": "'Generative AI'",
    "SkuId": "sku",
    "SkuMeter": f"CASE WHEN {_USAGE} THEN meter END",
    "SkuPriceDetails": f"CASE WHEN {_USAGE} THEN "
    + _pairs(x_ModelId="model", x_ModelDeveloper=_DEVELOPER, x_TokenDirection="direction", x_TokenCacheAction="cache")
    + " END",
    "SkuPriceId": _SKU_PRICE,
    "SubAccountId": _TEXT,
    "SubAccountName": _TEXT,
    "SubAccountType": _TEXT,
    "Tags": _pairs(
        feature="feature", team="team", owner="owner", customer_segment="segment", workflow="workflow", environment="environment"
    ),
}
_OURS: Mapping[str, str] = {
    "x_AvoidedListCost": "CAST(avoided AS DECIMAL(38,18))",
    "x_CallCount": "call_count",
    "x_FailedCallCount": "failed_call_count",
    "x_FeatureId": "feature",
    "x_MeteringState": "state",
    "x_OutcomeCount": "outcome_count",
    "x_OutcomeValue": "CAST(outcome_value AS DECIMAL(38,18))",
    "x_PriceVersion": "price_version",
    "x_Rung": "rung",
    "x_WorkflowId": "workflow",
}
_OF_12: Mapping[str, str] = {"ProviderName": _VENDOR, "PublisherName": _VENDOR}
_OF_14: Mapping[str, str] = {
    "AllocatedMethodDetails": _TEXT,
    "AllocatedMethodId": _TEXT,
    "AllocatedResourceId": _TEXT,
    "AllocatedResourceName": _TEXT,
    "AllocatedTags": _TEXT,
    "CommitmentProgramEligibilityDetails": _TEXT,
    "ContractApplied": _TEXT,
    "HostProviderName": _VENDOR,
    "InvoiceDetailId": _TEXT,
    "ServiceProviderName": _VENDOR,
}
PROFILES: Mapping[str, Mapping[str, str]] = {
    "focus-1.2": {**dict(sorted({**_SHARED_COLUMNS, **_OF_12}.items())), **_OURS},
    "focus-1.4": {**dict(sorted({**_SHARED_COLUMNS, **_OF_14}.items())), **_OURS},
}
TIMES = frozenset({"BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart"})
