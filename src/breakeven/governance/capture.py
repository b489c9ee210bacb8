r"""Whether bodies of a feature are kept, and what must be taken out of them first. Pure.

Redaction is done on the values of a body, not on its bytes: what a JSON escape hides (`\u0040` for `@`) is found, and what is put
in its place never breaks the JSON. It finds what has a form: addresses, numbers with check digits, what your own patterns say. It
does not find what has none, such as names of people.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import msgspec

MOST_SHARE = 1.0
_MEDIA_AFTER = "base64,"
_SHORTEST_MEDIA = 512
_LONGEST_CARD, _SHORTEST_CARD = 19, 13
_IBAN_MODULUS, _IBAN_REST = 97, 1
_SHORTEST_CHECKED = 13
_MOST_DEPTH = 64


def _is_card(text: str) -> bool:
    """Luhn's check digit, over 13 to 19 digits."""
    digits = [int(character) for character in text if character.isdigit()]
    if not _SHORTEST_CARD <= len(digits) <= _LONGEST_CARD or len(set(digits)) == 1:
        return False
    doubled = [digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4) for place, digit in enumerate(reversed(digits))]  # noqa: PLR2004 - two digits from 5 on
    return sum(doubled) % 10 == 0


def _is_iban(text: str) -> bool:
    """The check digits of ISO 13616."""
    plain = text.replace(" ", "").upper()
    moved = plain[4:] + plain[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % _IBAN_MODULUS == _IBAN_REST


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of thing to take out: what it looks like, and a check of what was found, where there is one."""

    name: str
    pattern: re.Pattern[str]
    holds: Callable[[str], bool] | None = None
    needs: str = ""
    """A character without which nothing is found, so that most texts need not be searched."""

    def applied(self, text: str) -> str:
        """The text with `[name]` in the place of everything found."""
        return self.pattern.sub(self._put, text) if self.needs in text else text

    def _put(self, found: re.Match[str]) -> str:
        """What was found may have more behind it than it is (`GB82... and`): the longest part that ends a word and holds counts."""
        text = found[0]
        if self.holds is None or self.holds(text):
            return f"[{self.name}]"
        for end in range(len(text) - 1, _SHORTEST_CHECKED - 1, -1):
            if not text[end].isalnum() and self.holds(text[:end]):
                return f"[{self.name}]{self.applied(text[end:])}"
        return text


BUILT_IN: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("email", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"), needs="@"),
        Rule("card_number", re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?!\d)"), _is_card),
        Rule("iban", re.compile(r"\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])"), _is_iban),
        Rule("phone", re.compile(r"(?<![\w+])(?:\+|00)\d(?:[ ()/.-]{0,2}\d){7,13}(?!\d)")),
        Rule("ip_address", re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])")),
        Rule("secret", re.compile(r"\b(?:sk|pk|rk|ghp|gho|xox[abp]|AKIA|bk)[-_]?[A-Za-z0-9_-]{16,200}")),
    )
}
"""What can be named under `redact`."""
DEFAULT_REDACTION = ("email", "card_number", "iban")


REPLAYED = "audit"
"""The environment of an audit's own calls. The gateway keeps no body of theirs: the audit keeps the answer, under the id, customer
and time of the call that it answers again, so that a purge or an erasure of that call finds it."""


@dataclass(frozen=True)
class CapturePolicy:
    """How a feature's bodies are kept: the share of its calls, for how many seconds, without what the rules find."""

    share: float
    retention_seconds: int
    rules: tuple[Rule, ...] = ()

    def takes(self, call_id: str) -> bool:
        """Whether a call is among the share: its id decides, so that every process and every attempt says the same."""
        return int(call_id[-8:], 16) < self.share * 0x1_0000_0000

    def redacted(self, body: bytes) -> tuple[bytes, bool]:
        """A JSON body without what the rules find and without media, and whether anything was taken out.

        Raises ValueError for what is no JSON: it cannot be redacted, and must not be kept.
        """
        try:
            value = msgspec.json.decode(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise ValueError("the body is no JSON") from error
        clean = self._clean(value, 0)
        return (body, False) if clean is value or clean == value else (msgspec.json.encode(clean), True)

    def _clean(self, value: object, depth: int) -> object:
        if depth > _MOST_DEPTH:
            raise ValueError("the body is nested too deeply")
        if isinstance(value, str):
            return self._text(value, depth)
        if isinstance(value, dict):
            return {self._plain(key): self._clean(each, depth + 1) for key, each in value.items()}
        if isinstance(value, list):
            return [self._clean(each, depth + 1) for each in value]
        if isinstance(value, int) and not isinstance(value, bool):
            written = str(value)
            clean = self._plain(written)
            return value if clean == written else clean
        return value

    def _text(self, text: str, depth: int) -> str:
        """A text; JSON inside it, as tools' arguments are, is looked into."""
        if len(text) >= _SHORTEST_MEDIA and _is_media(text):
            return f"[media, {len(text)} characters]"
        if text[:1] in ("{", "["):
            try:
                inner = msgspec.json.decode(text.encode())
            except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
                return self._plain(text)
            clean = self._clean(inner, depth + 1)
            return text if clean == inner else msgspec.json.encode(clean).decode()
        return self._plain(text)

    def _plain(self, text: str) -> str:
        for rule in self.rules:
            text = rule.applied(text)
        return text

    @cached_property
    def words(self) -> str:
        """The policy in words."""
        taken = ", ".join(rule.name for rule in self.rules) or "nothing"
        return f"{self.share * 100:.4g}% of its calls for {self.retention_seconds / 86_400:g} days, redacting {taken}"


def _is_media(text: str) -> bool:
    """Whether a text is an image, a sound or a file in base64: not readable, and not to be redacted by its letters."""
    if text.startswith("data:") and _MEDIA_AFTER in text[:200]:
        return True
    return _BASE64.fullmatch(text) is not None


_BASE64 = re.compile(r"[A-Za-z0-9+/\r\n]+={0,2}")
_REPEATED_REPEAT = re.compile(r"\((?:\?:)?[^()]*(?<!\\)[+*}][^()]*\)[+*{]")


def own_rule(name: str, pattern: str) -> Rule:
    """A rule of the user. Raises ValueError for a pattern that is none, finds nothing but emptiness, or may never end."""
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"it is no regular expression: {error}") from error
    if compiled.search("") is not None:
        raise ValueError("it finds the empty text, and so everywhere")
    if _REPEATED_REPEAT.search(pattern) is not None:
        raise ValueError("it repeats what repeats already, which can take for ever")
    return Rule(name, compiled)
