"""The texts of the sample company's files. Names, prices and terms in them are invented."""

from __future__ import annotations

from breakeven.sample.truth import CONTRACT_FROM, CONTRACTS, DOCUMENTS, FIRM, INVENTED, INVOICES, SUPPORT, TRIAL, VALUE_PER_DOCUMENT

CONFIG = f"""# {FIRM}: {INVENTED}
prices:
  overlay: [prices.yaml]
features:
  {SUPPORT}:
    owner: support
    unit: answer
    description: answers customers' tickets from the manual
    margin_floor: 0.5
    quality_floor: 0.95
    models: [gpt-5.4, claude-sonnet-4-6]
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
    quality_floor: 0.98
    budget: {{limit: "$8,000", period: month, mode: bounded, overshoot: 5%}}
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
    quality_floor: 0.98
    models: [gpt-5.4, gpt-5.5, gpt-5.5-pro]
    retention: 3650d   # so long that the invented bodies are there whenever this is tried
    capture: {{share: 0.01}}
    budget:
      limit: "$20,000"
      period: month
      mode: strict
      thresholds:
        - {{at: 80%, do: notify}}
        - {{at: 95%, do: downgrade}}
    value:
      - id: per-contract
        kind: unit_price
        price: "{VALUE_PER_DOCUMENT}"
        counts: all
        owner: finance
        version: 1
        grade: A
        why: billed per contract
  {TRIAL}:
    owner: marketing
    unit: letter
    description: drafts letters; on trial since November, with next to no money
    retention: none
budgets:
  trial-day: {{scope: {{feature: {TRIAL}}}, limit: "$0.05", period: day, owner: marketing}}
  customer-month:
    per: customer
    limit: "$900"
    period: month
    mode: bounded
    overshoot: 5%
    owner: finance
    enforce: false
    thresholds: [{{at: 80%, do: notify}}]
  company-quarter: {{limit: "$150,000", period: quarter, mode: bounded, overshoot: 2%, owner: finance}}
limits:
  support-burst: {{scope: {{feature: {SUPPORT}}}, per: customer, calls: 600 per minute, at_once: 50, owner: support}}
policies:
  pro-for-contracts-only:
    rule: forbid
    models: ["gpt-5*-pro"]
    when: {{feature: [{SUPPORT}, {INVOICES}, {TRIAL}]}}
    owner: finance
    why: no task there needs it
  somebody-answers: {{rule: require, known: [feature, owner], action: warn, owner: finance}}
attribution: {{target: 0.98}}
alerts:
  sinks:
    log: {{kind: log}}
fixed_costs:
  - id: labelled-contracts
    amount: "1200"
    per: month
    from: 2026-03-01
    to: 2026-07-01
    driver: outcomes
    feature: {CONTRACTS}
    cost_class: research
    owner: back-office
    why: people who marked terms in contracts, to measure answers against
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
    match: {{provider: openai}}
    on: [cache_read]
    multiply: "0.9"
    from: "{CONTRACT_FROM:%Y-%m-%dT%H:%M:%SZ}"
    source: invented-contract
    why: cached input at ten per cent less, schedule A
  - id: invented-pro-output
    kind: discount
    match: {{provider: openai, model: gpt-5.5-pro}}
    on: [output, reasoning]
    multiply: "0.935"
    from: "{CONTRACT_FROM:%Y-%m-%dT%H:%M:%SZ}"
    source: invented-contract
    why: output of the dearest model at six and a half per cent less, schedule B
"""
DOCUMENTS_HANDLER = "invoice-fields.json"
DOCUMENTS_CONFIG = f"""# {FIRM}, document workflow: {INVENTED}
features:
  {DOCUMENTS}:
    owner: back-office
    unit: document
    description: reads supplier invoices into the ledger
    quality_floor: 0.93
    models: [gpt-5.4]
    retention: 7d
    capture: {{redact: [card_number, iban]}}
    value:
      - {{id: per-document, kind: unit_price, price: "0.02", counts: all, owner: finance, version: 1, grade: C, why: invented}}"""
DOCUMENTS_LADDER = f"""
    ladder:
      rungs: [cache, "handler:invoices", {{model: asked, tier: frontier}}]
      cache: {{per: feature}}
handlers:
  invoices: {{compiled: {DOCUMENTS_HANDLER}, mode: live, checked: 5%, floor: 0.93}}
"""
"""What is added to the configuration when the handler has been compiled; it continues the feature."""
_README = f"""# {FIRM}

{INVENTED}

`breakeven demo` makes it from a seed and loads it by the same importers as real data. Only the list prices of the models are real.
Planted, for reports to find: a feature that is popular and loses money and whose cost grows faster than its use; customers
of flat plans of whom the keenest tenth is served at a loss; two days of an incident in July; a vendor's price cut in August; a
contract from 12 October; calls that nobody owns; streams of June that do not say their usage; a pilot without a price in March.
"""


def readme(seed: int) -> str:
    """What the folder is and which seed made it, so that the facts of two seeds are never mixed."""
    return f"{_README}\nSeed: {seed}\n"
