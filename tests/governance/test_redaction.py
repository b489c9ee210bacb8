"""What is taken out of kept bodies: everything with the form of a rule, wherever it stands, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.errors import ConfigError
from breakeven.governance.capture import BUILT_IN, CapturePolicy, own_rule
from breakeven.settings import parse_settings

POLICY = CapturePolicy(1.0, 86_400, tuple(BUILT_IN.values()))
SECRETS = {
    "email": "jo.doe+x@mail.example.co.uk",
    "card_number": "5500-0000-0000-0004",
    "iban": "GB82WEST12345698765432",
    "phone": "+49 (30) 901820-12",
    "ip_address": "192.168.17.4",
    "secret": "sk-abcdefghijklmnop1234",
}
words = st.text(alphabet='abc xyz,.é\n"\\', max_size=20)
bodies = st.recursive(
    st.none() | st.booleans() | st.integers(0, 999) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


@given(bodies, st.sampled_from(sorted(SECRETS)), words, st.integers(0, 3), st.booleans())
def test_a_secret_is_found_wherever_it_stands_in_a_body(body: Any, name: str, around: str, depth: int, escaped: bool) -> None:
    """As a value, a name, inside JSON inside a text, escaped or not: it is gone, and the rest of the body is what it was."""
    text = f"{around} {SECRETS[name]} {around}"
    hidden: Any = {"x": text, text: body}
    for _ in range(depth):
        hidden = json.dumps({"inner": hidden}, ensure_ascii=escaped)
        hidden = {"arguments": hidden}
    raw = json.dumps([body, hidden], ensure_ascii=escaped).replace("@", "\\u0040" if escaped else "@").encode()
    clean, changed = POLICY.redacted(raw)
    assert changed
    assert SECRETS[name] not in json.dumps(json.loads(clean), ensure_ascii=False)
    assert json.loads(clean)[0] == body


@given(bodies)
def test_a_body_without_secrets_stays_as_it_is_byte_for_byte(body: Any) -> None:
    """Nothing to take out: the very bytes are kept."""
    raw = json.dumps(body, indent=1).encode()
    assert POLICY.redacted(raw) == (raw, False)


def test_numbers_without_the_check_digit_stay() -> None:
    """An order number is no card and a version no address; a card written as a JSON number is one."""
    raw = b'{"order":4111111111111112,"version":"1.2.3","iban":"GB00WEST12345698765432","amount":12.50}'
    assert POLICY.redacted(raw) == (raw, False)
    assert POLICY.redacted(b'{"card":4111111111111111}') == (b'{"card":"[card_number]"}', True)


def test_media_is_never_kept() -> None:
    """An image is no text: its place is."""
    image = "data:image/png;base64," + "iVBORw0KGgo" * 100
    clean, changed = POLICY.redacted(json.dumps({"url": image, "data": "QUJD" * 200}).encode())
    assert changed
    assert json.loads(clean) == {"url": f"[media, {len(image)} characters]", "data": "[media, 800 characters]"}


@pytest.mark.parametrize("pattern", ["(", "a*", "(a+)+", "(?:[a-z]+,?)*", ""])
def test_a_pattern_that_cannot_be_used_is_refused(pattern: str) -> None:
    """Broken ones, ones that find everything, and ones that may never end."""
    with pytest.raises(ValueError, match=r"regular expression|empty|for ever"):
        own_rule("x", pattern)


@pytest.mark.parametrize(
    ("charter", "fault"),
    [
        ("capture: true", "nothing says how long"),
        ("{retention: none, capture: true}", "nothing says how long"),
        ("{retention: 3d, capture: {share: 2}}", "share is 2"),
        ("{retention: 3d, capture: {redact: [emial]}}", "there is no rule 'emial'"),
        ("{retention: 3d, capture: {patterns: {x: '(a+)+'}}}", "pattern x: it repeats"),
        ("{retention: 3d, capture: {keep: 1}}", "unknown field 'keep'"),
    ],
)
def test_faulty_charters_are_told_with_their_line(tmp_path: Any, charter: str, fault: str) -> None:
    """Whatever is wrong with `capture` is said with file and line, and nothing is kept by guess."""
    with pytest.raises(ConfigError) as told:
        parse_settings(f"features:\n  a:\n    {charter}\n", "b.yaml", tmp_path / "b.yaml")
    assert fault in str(told.value.problems[0])
    assert "b.yaml:3" in told.value.problems[0].where
