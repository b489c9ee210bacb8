"""The texts of the sample company's files. Names, prices and terms in them are invented."""

from __future__ import annotations

from breakeven.sample.truth import CONTRACTS, DISCOUNT_FROM, FIRM, INVENTED, INVOICES, SUPPORT

CONFIG = f"""# {FIRM}: {INVENTED}
prices:
  overlay: [prices.yaml]
features:
  {SUPPORT}:
    owner: support
    unit: answer
    description: answers customers' tickets from the manual
    margin_floor: 0.5
    value:
      - id: minutes-saved
        kind: time_saved
        baseline_minutes: 2.6
        ai_minutes: 0.2
        review_minutes: 0
        hourly_rate: "29.20"
        realisation: 0.5
        counts: successful
        owner: finance
        version: 1
        grade: B
        why: before and after, eight weeks each
  {INVOICES}:
    owner: back-office
    unit: document
    description: reads invoices into the ledger
    margin_floor: 0.6
    value:
      - id: per-document
        kind: unit_price
        price: "0.2531"
        counts: all
        owner: finance
        version: 1
        grade: A
        why: billed per document
  {CONTRACTS}:
    owner: back-office
    unit: document
    description: finds terms in contracts
    margin_floor: 0.3
    value:
      - id: per-contract
        kind: unit_price
        price: "0.4466"
        counts: all
        owner: finance
        version: 1
        grade: A
        why: billed per contract
cost_classes:
  - {{class: research, environment: staging, why: trials before release}}
"""
PRICES = f"""# {FIRM}: {INVENTED}
version: 1
currency: USD
sources:
  invented-contract: {{kind: contract, ref: "invented for the sample company", recorded: 2026-10-01, by: finance}}
adjustments:
  - id: invented-cached-input
    kind: discount
    match: {{provider: anthropic}}
    on: [cache_read]
    multiply: "0.9"
    from: "{DISCOUNT_FROM:%Y-%m-%dT%H:%M:%SZ}"
    source: invented-contract
"""
README = f"""# {FIRM}

{INVENTED}

It is made by `breakeven demo` from a seed, with planted truths: a feature that is popular and loses money and whose cost
grows faster than its use, two days of an incident in July, a price cut in August, a discount in October, calls that nobody
owns, a pilot without a price in March. The files are read by the same importers as real ones.
"""
