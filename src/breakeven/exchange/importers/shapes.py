"""From typed fields to staged columns: what each kind of table means for the facts that it becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from breakeven.economics.usage import CLASS_BY_NAME, CLASSES
from breakeven.errors import DataError
from breakeven.exchange.importers.fields import ATTRIBUTION, CONTEXT, MEANS
from breakeven.exchange.importers.mapping import Mapped
from breakeven.exchange.importers.projection import COUNT_MAX, Fault
from breakeven.exchange.importers.request import ImportRequest

Expressions = Mapping[str, str]
_STATUSES: Mapping[str, tuple[str, ...]] = {
    "ok": ("ok", "success", "succeeded", "completed", "200", "true"),
    "failed": ("failed", "failure", "error", "errored", "timeout", "false"),
    "refused": ("refused", "blocked", "rejected", "content_filter"),
    "cut_off": ("cut_off", "truncated", "length", "cancelled", "canceled", "incomplete"),
}
Shape = Callable[[Expressions, Sequence[Mapped], ImportRequest], Expressions]
SHORTEST_WINDOW = 128_000
"""Tokens. No price that rises with the size of a call begins below this."""
CLASS_NAMES = tuple(usage_class.name for usage_class in CLASSES)
_AMOUNTS = ("stated_cost", "baseline_cost", "value", "amount")
_TAG_NAMES = ("cacheable_prefix_tokens",)
_CONTEXT_NAMES = tuple(sorted(field.name for field in CONTEXT))
# Whose models these are, where a file names no provider: the family's name is part of the model's name.
_FAMILIES: Mapping[str, str] = {
    "gpt-": "openai", "o1": "openai", "o3": "openai", "o4-": "openai", "text-embedding-": "openai", "chatgpt-": "openai",
    "claude-": "anthropic",
    "gemini-": "google", "mistral-": "mistral", "deepseek-": "deepseek", "command-": "cohere", "grok-": "xai",
}  # fmt: skip


def call(expressions: Expressions, mapped: Sequence[Mapped], request: ImportRequest) -> Expressions:
    """Staged columns of calls: usage classes as they are, the pricing context and the sources of attribution as JSON."""
    used = [name for name in CLASS_NAMES if name in expressions]
    if not used:
        raise DataError(
            "no column holds tokens or other usage",
            "Name them: --map input=COLUMN --map output=COLUMN (and cache_read, reasoning, ...).",
        )
    if "model" not in expressions and "stated_cost" not in expressions:
        raise DataError("no column says which model was used", "Say it: --model MODEL for all rows, or --map model=COLUMN.")
    staged = {name: value for name, value in expressions.items() if name not in (*_CONTEXT_NAMES, *_TAG_NAMES)}
    if tags := {name: f"{expressions[name]}::VARCHAR" for name in _TAG_NAMES if name in expressions}:
        staged["tags"] = json_object(tags)
    staged["usage_known"] = f"coalesce({', '.join(expressions[name] for name in used)}) IS NOT NULL"
    staged["pricing_context"] = json_object({name: expressions[name] for name in _CONTEXT_NAMES if name in expressions})
    staged["attribution_sources"] = literal(sources(mapped))
    if "identity" in expressions:
        staged["source_ref"] = expressions["identity"]
    if "status" in expressions:
        staged["status"] = _status(expressions["status"])
    if "provider" in expressions:
        staged["provider"] = f"lower({expressions['provider']})"
    elif "model" in expressions:
        staged["provider"] = _family(expressions["model"])
        request.say(
            "provider ← the model's family (claude-… is anthropic, gpt-… is openai, ...); say --provider to decide it yourself"
        )
    return staged


def call_faults(expressions: Expressions) -> list[Fault]:
    """What is wrong with a call as a whole: usage without a model can never be priced."""
    used = [expressions[name] for name in CLASS_NAMES if name in expressions]
    if not used or "model" not in expressions or "stated_cost" in expressions:
        return []
    something = " + ".join(f"coalesce({value}, 0)" for value in used)
    return [Fault(f"{expressions['model']} IS NULL AND ({something}) > 0", "model", "the model is missing")]


def calls(expressions: Expressions, mapped: Sequence[Mapped], request: ImportRequest) -> Expressions:
    """Single calls, or aggregates where the table has means: nobody needs to know the other format's name."""
    return (aggregate if _has_means(expressions) else call)(expressions, mapped, request)


def calls_faults(expressions: Expressions) -> list[Fault]:
    """What is wrong with a call or an aggregate as a whole."""
    return (aggregate_faults if _has_means(expressions) else call_faults)(expressions)


def _has_means(expressions: Expressions) -> bool:
    return any(field.name in expressions for field in MEANS)


def aggregate(expressions: Expressions, mapped: Sequence[Mapped], request: ImportRequest) -> Expressions:
    """Totals from means: requests × mean, rounded half-even to whole tokens. A mean that is missing leaves the usage unknown."""
    if "call_count" not in expressions and not _has_means(expressions):
        return _uncounted(expressions, mapped, request)
    if "call_count" not in expressions:
        raise DataError("no column says how many calls a row's means are of", "Name it: --map call_count=COLUMN.")
    totals = dict(expressions)
    means = {field.name: totals.pop(field.name) for field in MEANS if field.name in totals}
    calls = f"{expressions['call_count']}::DECIMAL(15,0)"
    for name, mean in means.items():
        if name != "reasoning_share":
            totals[name.removesuffix("_mean")] = _whole(f"({calls} * CAST({mean} AS DECIMAL(22,9)))")
    if "reasoning_share" in means and "output" in totals:
        share = f"coalesce(CAST({means['reasoning_share']} AS DECIMAL(10,9)), 0)"
        produced = totals["output"]
        totals["reasoning"] = _whole(f"(({produced})::DECIMAL(18,0) * {share})")
        totals["output"] = f"({produced} - {totals['reasoning']})"
    staged = dict(call(totals, mapped, request))
    known = [f"{means[name]} IS NOT NULL" for name in ("input_mean", "output_mean") if name in means]
    if known:
        staged["usage_known"] = " AND ".join(known)
    return staged


def _uncounted(expressions: Expressions, mapped: Sequence[Mapped], request: ImportRequest) -> Expressions:
    """Totals of calls that nobody counted: as few as could have had that much input, and never priced as one long call."""
    read = [expressions[name] for name in CLASS_NAMES if name in expressions and CLASS_BY_NAME[name].direction == "input"]
    tokens = " + ".join(f"coalesce({name}, 0)" for name in read) or "0"
    request.say(
        f"call_count ← not said: one for each {SHORTEST_WINDOW:,} tokens of input, a lower bound (say it: --map call_count=COLUMN)"
    )
    staged = dict(call(expressions, mapped, request))
    staged["call_count"] = f"greatest(1, ceil(({tokens})::DECIMAL(18,0) / {SHORTEST_WINDOW}))::BIGINT"
    tags = {name: f"{expressions[name]}::VARCHAR" for name in _TAG_NAMES if name in expressions}
    staged["tags"] = json_object({**tags, "call_count": literal("a lower bound")})
    return staged


def aggregate_faults(expressions: Expressions) -> list[Fault]:
    """Means that no calls can have, and totals beyond any count."""
    faults = call_faults(expressions)
    for name in (field.name for field in MEANS if field.name in expressions):
        most = "1" if name == "reasoning_share" else "1e12"
        faults.append(Fault(f"{expressions[name]} < 0 OR {expressions[name]} > {most}", name, "no calls can have this mean"))
        if "call_count" in expressions and name != "reasoning_share":
            total = f"{expressions['call_count']}::DOUBLE * {expressions[name]}::DOUBLE"
            faults.append(Fault(f"{total} > {COUNT_MAX}", name, "calls times mean is more than anybody can have used"))
    if "call_count" in expressions:
        faults.append(Fault(f"{expressions['call_count']} IS NULL", "call_count", "call_count is missing"))
    return faults


def _whole(exact: str) -> str:
    """SQL for an exact decimal rounded half-even to a whole number; the engine's own `round` takes halves away from zero."""
    tie = f"{exact} - floor({exact}) = 0.5 AND floor({exact})::HUGEINT % 2 = 0"
    return f"(CASE WHEN {tie} THEN floor({exact}) ELSE round({exact}, 0) END)::BIGINT"


def outcome(expressions: Expressions, mapped: Sequence[Mapped], request: ImportRequest) -> Expressions:
    """Staged columns of outcomes; with --distinct the key identifies the outcome."""
    del mapped
    staged = {"unit": "'outcome'", **expressions}
    if "unit" in expressions:
        staged["unit"] = f"coalesce({expressions['unit']}, 'outcome')"
    if "quantity" in expressions:
        staged["quantity"] = f"coalesce({expressions['quantity']}, 1)"
    if request.distinct is not None and "identity" not in expressions and "trace_id" in expressions:
        staged["identity"] = f"{literal(request.distinct + '=')} || {expressions['trace_id']}"
    return staged


def revenue(expressions: Expressions, mapped: Sequence[Mapped], request: ImportRequest) -> Expressions:
    """Staged columns of revenue; without an end the period is one month. Revenue belongs to a customer or a plan."""
    del mapped, request
    if not {"customer", "plan"} & expressions.keys():
        raise DataError("no column says whose revenue it is", "Name it: --map customer=COLUMN or --map plan=COLUMN.")
    start = expressions["period_start"]
    end = expressions.get("period_end", "NULL")
    return {**expressions, "period_end": f"coalesce({end}, {start} + INTERVAL 1 MONTH)"}


def revenue_faults(expressions: Expressions) -> list[Fault]:
    """Revenue of nobody, and a period that ends before it starts."""
    owners = [expressions[name] for name in ("customer", "plan") if name in expressions]
    faults = [Fault(f"coalesce({', '.join(owners)}) IS NULL", "customer", "neither customer nor plan is named")] if owners else []
    if "period_end" in expressions:
        ends = f"{expressions['period_end']} <= {expressions['period_start']}"
        faults.append(Fault(ends, "period_end", "the period ends before it starts"))
    return faults


def customer(expressions: Expressions, mapped: Sequence[Mapped], request: ImportRequest) -> Expressions:
    """Staged columns of customers, as they are."""
    del mapped, request
    return expressions


def replay(expressions: Expressions, mapped: Sequence[Mapped], request: ImportRequest) -> Expressions:
    """Staged columns of replays: two scores agree where they are equal, and rungs without a name are called weak and strong.

    `task_ref` says which task it is, where several rungs answered the same one; else each replay is a task of its own.
    """
    del mapped, request
    if "agreed" not in expressions and not {"score_weak", "score_strong"} <= expressions.keys():
        raise DataError(
            "no column says whether the two rungs agreed, or how good each was",
            "Name them: --weak COLUMN --strong COLUMN (scores from 0 to 1, or yes and no), or --map agreed=COLUMN.",
        )
    staged = {"from_rung": "'strong'", "to_rung": "'weak'", "scored_by": "'import'", "kind": "'import'", **expressions}
    if "agreed" not in expressions:
        staged["agreed"] = f"({expressions['score_weak']}) = ({expressions['score_strong']})"
    task = staged.pop("task_ref", expressions.get("identity"))
    if task is not None:
        staged["source_ref"] = task
    return staged


def replay_faults(expressions: Expressions) -> list[Fault]:
    """A replay without any score says nothing, and one that could not be drawn was not drawn."""
    if "agreed" in expressions:
        faults = [Fault(f"{expressions['agreed']} IS NULL", "agreed", "nothing says whether the two rungs agreed")]
    else:
        both = f"({expressions['score_weak']}) IS NULL OR ({expressions['score_strong']}) IS NULL"
        faults = [Fault(both, "score_weak", "one of the two scores is missing")]
    if "propensity" in expressions:
        faults.append(Fault(f"{expressions['propensity']} <= 0", "propensity", "a task that is never drawn cannot have been"))
    return faults


def foreign_faults(expressions: Expressions) -> list[Fault]:
    """An amount of another currency cannot be added to dollars."""
    amounts = [f"{expressions[name]} IS NOT NULL" for name in _AMOUNTS if name in expressions]
    if "currency" not in expressions or not amounts:
        return []
    foreign = f"upper(trim({expressions['currency']})) NOT IN ('', 'USD', 'US$', '$')"
    said = "the ledger keeps US dollars; convert the amount first"
    return [Fault(f"{foreign} AND ({' OR '.join(amounts)})", "currency", said, expressions["currency"])]


def no_faults(expressions: Expressions) -> list[Fault]:
    """Tables whose fields cannot contradict each other."""
    del expressions
    return []


def sources(mapped: Sequence[Mapped]) -> str:
    """Where each dimension was found, as JSON: an option, or a column."""
    names = {field.name for field in ATTRIBUTION}
    said = {
        entry.field.name: "option" if entry.column is None else f"import:{entry.column}"
        for entry in mapped
        if entry.field.name in names
    }
    return "{" + ",".join(f'"{name}":"{said[name]}"' for name in sorted(said)) + "}"


def json_object(values: Mapping[str, str]) -> str:
    """SQL for a JSON object with sorted keys, unknown ones left out."""
    if not values:
        return "'{}'"
    parts = ", ".join(f"'\"{name}\":' || to_json({value})::VARCHAR" for name, value in sorted(values.items()))
    return f"'{{' || array_to_string(list_filter([{parts}], lambda part: part IS NOT NULL), ',') || '}}'"


def _status(told: str) -> str:
    """The ledger's words for how a call ended; a word that means none of them is kept."""
    branches = " ".join(f"WHEN lower({told}) IN {words} THEN '{status}'" for status, words in _STATUSES.items())
    return f"CASE {branches} ELSE lower({told}) END"


def _family(model: str) -> str:
    branches = " ".join(f"WHEN starts_with(lower({model}), '{prefix}') THEN '{provider}'" for prefix, provider in _FAMILIES.items())
    return f"CASE {branches} END"


def literal(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"
