"""YAML with file and line for every value."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from breakeven.errors import ConfigError, Unreachable
from breakeven.yamlfile import Node, parse_yaml, read_yaml


def named(node: Node, name: str) -> Node:
    assert node.mapping is not None
    return node.mapping[name]


def test_every_value_knows_its_line() -> None:
    """A value deep in lists and mappings says the line it stands on."""
    tree = parse_yaml("a: 1\nb:\n  - c: 2\n    d: x\n", "f.yaml")
    rows = named(tree, "b").sequence
    assert rows is not None
    assert named(rows[0], "d").where == "f.yaml:4"


def test_quoted_amounts_stay_text_and_fractions_are_exact() -> None:
    """`"2.50"` is text, `0.1` is exactly one tenth, and neither is ever a float."""
    tree = parse_yaml('a: "2.50"\nb: 0.1\nc: 1e-3\nd: 7\ne: -2\n', "f")
    assert tree.plain() == {"a": "2.50", "b": Decimal("0.1"), "c": Decimal("0.001"), "d": 7, "e": -2}
    assert named(tree, "a").quoted
    assert not named(tree, "b").quoted


def test_words_and_instants_stay_text() -> None:
    """`on`, `yes`, times of day, instants and not-a-number are text; only true, false and null are special."""
    text = "on: tokens\na: yes\nb: 12:30\nc: 2026-01-01T00:00:00Z\nd: true\ne: ~\nf: .nan\n"
    assert parse_yaml(text, "f").plain() == {
        "on": "tokens",
        "a": "yes",
        "b": "12:30",
        "c": "2026-01-01T00:00:00Z",
        "d": True,
        "e": None,
        "f": ".nan",
    }


def test_aliases_are_followed_once() -> None:
    """Aliases of aliases are shared, so that a small file cannot become an enormous tree."""
    lines = ["a0: &a0 [1, 1]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 40)]
    tree = parse_yaml("\n".join(lines), "f")
    assert named(tree, "a39").kind == "a list"


@pytest.mark.parametrize(
    ("text", "where", "word"),
    [
        ("a: 1\nb: 2\na: 3\n", "f:3", "twice"),
        ("a: [1\nb: 2\n", "f:2", "not valid YAML"),
        ("a: b: c\n", "f:1", "not valid YAML"),
        ("x: 1\na: !!float 3\n", "f:2", "tag"),
        ("a: !!python/object:os.system x\n", "f:1", "tag"),
        ("a: 1\n---\nb: 2\n", "f:2", "document"),
        ("a: &x [*x]\n", "f:1", "contains itself"),
        ("a: 1\nb: \x00\n", "f:2", "character"),
        ("? [a]\n: 1\n", "f:1", "key"),
        ("a: &b {c: 1}\nd:\n  <<: *b\n", "f:3", "merge"),
        ("a: *nowhere\n", "f:1", "alias"),
        ("[" * 3000, "f:1", "nested"),
        ("a: " + "9" * 5000, "f:1", "characters"),
    ],
)
def test_what_is_wrong_names_file_and_line(text: str, where: str, word: str) -> None:
    """A broken file is refused with its place and a remedy."""
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "f")
    [problem] = caught.value.problems
    assert problem.where == where
    assert word in problem.what
    assert problem.remedy


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file and a directory are unreachable; bytes that are not UTF-8 are a fault with their line."""
    for path in (tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(Unreachable):
            read_yaml(path)
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: \xe9\n")
    with pytest.raises(ConfigError, match=r"latin\.yaml:2"):
        read_yaml(tmp_path / "latin.yaml")


def test_an_empty_file_is_an_empty_mapping(tmp_path: Path) -> None:
    """Nothing written means nothing set; a byte order mark is not text."""
    (tmp_path / "e.yaml").write_text("# only a comment\n", encoding="utf-8-sig")
    assert read_yaml(tmp_path / "e.yaml").plain() == {}
