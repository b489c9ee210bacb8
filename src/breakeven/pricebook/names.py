"""Which model of the book a vendor's model name means: exact names, dated aliases, and nothing else.

A name is tried as written, then in the other spellings that name the same thing (dashed or compact date, path prefix, Bedrock
region and version). A catalogue rule such as "starts with gpt-4o-audio" is followed only where what it leaves open is a date or
version suffix: `gpt-4o-audio-preview-2024-12-17` is that model, `gpt-4o-audio-turbo` would be a guess. A fine-tuned model never
takes its base model's price.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from urllib.parse import unquote

from breakeven.pricebook.catalogue import Model, Provider, Rule

PROVIDER_NAMES: Mapping[str, str] = {
    "bedrock": "aws",
    "amazon": "aws",
    "amazon-bedrock": "aws",
    "vertex": "google",
    "vertexai": "google",
    "vertex_ai": "google",
    "gemini": "google",
    "google-vertex": "google",
    "xai": "x-ai",
    "azure_openai": "azure",
    "azure-openai": "azure",
    "moonshot": "moonshotai",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
}
"""Other names of the catalogue's providers."""

_DATE = r"[-@](?:20\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])|20\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))"
_SUFFIX = re.compile(rf"(?:{_DATE}|-latest|@latest|@default|-00\d|-v\d+(?::\d+)?)+\Z")
# Looser endings, followed only where a catalogue rule says "starts with" or "contains".
_OPEN = (
    rf"{_DATE}|-latest|@latest|@default|-\d{{2}}-20\d{{2}}|-\d{{2}}-\d{{2}}|-\d{{3,4}}|-v\d+(?::\d+)?|:\d+|-preview|-exp|-thinking"
)
_OPEN_SUFFIX = re.compile(rf"(?:{_OPEN})+\Z")
_COMPACT_DATE = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\Z")
_DASHED_DATE = re.compile(r"-(20\d{2})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\Z")
_PATH = re.compile(r"(?:.*/)?(?:models|publishers/[^/]+/models|inference-profile|foundation-model|deployments)/")
_GEOGRAPHY = re.compile(r"(?:us-gov|us|eu|apac|jp|au|in|ca|sa|mx|uk|global)\.(?=[a-z0-9-]+\.)")
_HEAD = re.compile(r"(?:(?:us-gov|us|eu|apac|jp|au|in|ca|sa|mx|uk|global)\.)?(?:[a-z0-9]+\.)?\Z")


@lru_cache(maxsize=4096)
def spellings(provider: str, name: str) -> tuple[str, ...]:
    """The names under which a book may know a model, most literal first."""
    plain = unquote(name).strip().lower()
    found = [plain]
    bare = _PATH.sub("", plain, count=1)
    found.append(bare.removeprefix(f"{provider}/"))
    if provider == "aws":
        found += _bedrock(bare)
    if bare.startswith("ft:") or ".ft-" in bare:
        found += _fine_tuned(bare)
    elif "gpt-35-" in bare:
        found.append(bare.replace("gpt-35-", "gpt-3.5-"))
    dated = [*found, *(variant for each in found for variant in _dates(each))]
    fine = bare.startswith("ft:") or ".ft-" in bare
    stems = [_SUFFIX.sub("", each) for each in dated if not fine or each.startswith("ft:")]
    return tuple(dict.fromkeys(each for each in (*dated, *stems) if each))


def _dates(name: str) -> Iterator[str]:
    yield _COMPACT_DATE.sub(r"-\1-\2-\3", name)
    yield _DASHED_DATE.sub(r"-\1\2\3", name)


def _fine_tuned(name: str) -> list[str]:
    """`ft:gpt-4o-2024-08-06:org:name:id` and Azure's `gpt-4o-2024-08-06.ft-id` are the fine-tuned price of that model."""
    base = name.split(":")[1] if name.startswith("ft:") else name.split(".ft-", maxsplit=1)[0]
    return [f"ft:{base}"]


def _bedrock(name: str) -> list[str]:
    """The catalogue keeps one entry for all regional profiles and in-region use, another for `global.`."""
    if name.startswith(("global.", "regional.")):
        return []
    home = _GEOGRAPHY.sub("", name, count=1)
    vendor = home if "." in home.split("-")[0] else f"anthropic.{home}"
    return [f"regional.{vendor}", vendor, home]


def stem(name: str) -> str:
    """The name without dates and versions."""
    return _SUFFIX.sub("", name)


class ProviderIndex:
    """The models of one provider by name."""

    def __init__(self, provider: Provider) -> None:
        self.id = provider.id
        self.fallback = provider.fallback
        self.models: dict[str, Model] = {model.id.lower(): model for model in provider.models}
        self._exact = _unique((name, model) for model in provider.models for name in (model.id.lower(), *model.names))
        self._stems = _unique((stem(model.id.lower()), model) for model in provider.models)
        self._ruled = tuple(model for model in provider.models if model.rules)

    def find(self, names: Iterable[str]) -> Model | None:
        """The model that one of these names means, the most literal name first."""
        names = tuple(names)
        for name in names:
            model = self.models.get(name) or self._exact.get(name) or self._stems.get(name)
            if model is not None and name.startswith("ft:") == model.id.startswith("ft:"):
                return model
        return self._by_rule(names)

    def _by_rule(self, names: tuple[str, ...]) -> Model | None:
        best: tuple[int, Model] | None = None
        for name in names:
            for model in self._ruled:
                if name.startswith("ft:") != model.id.startswith("ft:"):
                    continue
                length = max((_covered(rule, name) for rule in model.rules), default=0)
                if length and (best is None or length > best[0]):
                    best = (length, model)
            if best is not None:
                return best[1]
        return None


def _unique(pairs: Iterable[tuple[str, Model]]) -> dict[str, Model]:
    """Names that stand for exactly one model."""
    found: dict[str, Model | None] = {}
    for name, model in pairs:
        known = found.setdefault(name, model)
        if known is not None and known is not model:
            found[name] = None
    return {name: model for name, model in found.items() if model is not None}


def _covered(rule: Rule, name: str) -> int:
    """How many characters of `name` the rule fixes, if all that it leaves open is recognised; else 0."""
    if rule.kind == "and":
        holds = all(_plainly(part, name) for part in rule.all)
        return max((_covered(part, name) for part in rule.all), default=0) if holds else 0
    value = rule.value.lower()
    if rule.kind == "regex":
        match = re.search(rule.value, name) if rule.value.startswith("^") and not rule.value.startswith("^(?") else None
        return _fixed(name, 0, match.end()) if match else 0
    start = name.find(value)
    if start < 0 or (rule.kind == "starts_with" and start) or (rule.kind == "ends_with" and start + len(value) != len(name)):
        return 0
    return _fixed(name, start, start + len(value))


def _fixed(name: str, start: int, end: int) -> int:
    known_head = start == 0 or _HEAD.fullmatch(name[:start]) or name[start - 1] == "/"
    return end - start if known_head and end >= len(_OPEN_SUFFIX.sub("", name)) else 0


def _plainly(rule: Rule, name: str) -> bool:
    if rule.kind == "and":
        return all(_plainly(part, name) for part in rule.all)
    if rule.kind == "regex":
        return re.search(rule.value, name) is not None
    tests = {"starts_with": name.startswith, "ends_with": name.endswith, "contains": name.__contains__, "equals": name.__eq__}
    return bool(tests[rule.kind](rule.value.lower()))
