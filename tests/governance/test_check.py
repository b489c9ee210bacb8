"""`breakeven check --base REV` on real repositories: what a change costs, and when it fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SUPPORT = """features:
  support:
    owner: help desk
    unit: answer
    model: gpt-4o
    prompt: prompts/support.txt
    margin_floor: 0.3
    value: {kind: unit_price, price: "1.00"}
"""
PROMPT = "x" * 1000


@pytest.fixture
def settled(project: Any) -> Any:
    """The usual state on main: $7.00 of cost and $10.00 of value a month, with a floor of 30%."""
    project.write(breakeven=SUPPORT, prompts__support_dot_txt=PROMPT)
    project.commit()
    return project


def test_a_change_that_makes_a_feature_lose_money_fails_in_one_sentence(settled: Any) -> None:
    """A dearer model turns a margin into a loss: exit code 1, and the sentence names loss, margin and floor."""
    settled.write(breakeven=SUPPORT.replace("gpt-4o", "gpt-4-turbo"))
    found = settled.check()
    assert found.code == 1
    # 2,000,000 input tokens at $10 and 200,000 output tokens at $30 per million
    assert "support would lose $16.00 a month: margin −160.0%, floor 30%." in found.out
    assert "breakeven.yaml:7" in found.out
    assert "lower margin_floor with the consent of its owner, help desk" in found.err


def test_a_change_that_costs_nothing_passes(settled: Any) -> None:
    """Without any difference nothing fails and nothing is said to move."""
    found = settled.check("--json")
    assert (found.code, found.json["passed"], found.json["cost_change"], found.json["features"]) == (0, True, "0", [])
    assert found.json["sentence"] == "This change touches nothing that has a cost, and no limit would be broken by it."


def test_what_did_not_change_keeps_its_recorded_cost(settled: Any) -> None:
    """The P&L of the month and the check say the same cost before, to the last digit."""
    settled.write(breakeven=SUPPORT.replace("0.3", "0.2"))
    row = settled.check("--json").json["features"][0]
    recorded = settled.run("pnl", "--period", "2026-09", "--json").json["rows"]
    assert row["cost_before"] == row["cost_after"] == next(one["cost"] for one in recorded if one["feature"] == "support") == "7"


def test_a_cheaper_model_is_priced_for_the_same_tokens(settled: Any) -> None:
    """gpt-4o-mini answers the recorded tokens for 0.42 dollars instead of 7, and the caveat of tokenizers is said."""
    settled.write(breakeven=SUPPORT.replace("gpt-4o", "gpt-4o-mini"))
    found = settled.check("--json")
    row = found.json["features"][0]
    assert (found.code, row["cost_after"], row["cost_change"], row["margin_after"]) == (0, "0.42", "-6.58", 0.958)
    assert any("splits the same text into other numbers of tokens" in note for note in found.json["trail"]["notes"])


def test_a_longer_prompt_costs_its_characters_at_the_learned_ratio(settled: Any) -> None:
    """4,000 more characters x 2 calls x 0.5 learned tokens per character = 4,000 tokens at $2.50 per million."""
    settled.write(prompts__support_dot_txt=PROMPT * 5)
    found = settled.check("--json").json
    assert found["features"][0]["cost_change"] == "0.01"
    assert found["features"][0]["changes"][0]["what"] == "the prompt grew 1,000 → 5,000 characters in prompts/support.txt"
    assert found["trail"]["tokens_per_character"] == ["gpt-4o: 0.500 tokens per character, learned from metered calls"]


def test_a_model_without_metered_characters_takes_the_stated_fallback(settled: Any) -> None:
    """Where nothing was learned of the new model, a token is four characters, and the check says so."""
    settled.write(breakeven=SUPPORT.replace("gpt-4o", "gpt-4o-mini"), prompts__support_dot_txt=PROMPT * 5)
    found = settled.check("--json").json
    # 0.42 for the same tokens, and 2 x 4,000 / 4 tokens at $0.15 per million
    assert found["features"][0]["cost_after"] == "0.4203"
    assert [change["cost"] for change in found["features"][0]["changes"]] == ["0.0003", "-6.58"]
    assert "a fallback" in found["trail"]["tokens_per_character"][0]


def test_a_batch_stays_a_batch_of_its_vendor(settled: Any, bring: Callable[[Path, str, str], None]) -> None:
    """A feature that runs in batches at half price is priced in batches on another model of the vendor, too."""
    head = "occurred_at,identity,provider,model,feature,input,output,processing"
    bring(settled.ledger, "calls", f"{head}\n2026-09-10T10:00:00Z,n,openai,gpt-4o,night,2000000,0,batch\n")
    night = "features:\n  night: {owner: ann, model: gpt-4o}\n"
    settled.write(breakeven=night)
    settled.commit()
    settled.write(breakeven=night.replace("gpt-4o", "gpt-4o-mini"))
    row = settled.check("--json").json["features"][0]
    assert (row["cost_before"], row["cost_after"]) == ("2.5", "0.15")


def test_unpriced_calls_are_told_and_not_taken_for_free(settled: Any, bring: Callable[[Path, str, str], None]) -> None:
    """Where some recorded calls have no price, the check says how many are missing in its figures."""
    bring(
        settled.ledger,
        "calls",
        "occurred_at,identity,provider,model,feature,input,output\n2026-09-10T10:00:00Z,n,openai,gpt-404,support,5,5\n",
    )
    assert "support: the cost of 1 of its 3 recorded calls is unknown and in no figure here" in settled.check().out


def test_it_runs_from_a_directory_below(settled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository of several projects has its configuration below the root; prompts are beside it."""
    settled.write(shop__breakeven_dot_yaml=SUPPORT, shop__prompts__support_dot_txt=PROMPT)
    settled.commit()
    settled.write(shop__prompts__support_dot_txt=PROMPT * 5)
    monkeypatch.chdir(settled.root / "shop")
    assert settled.check("--json").json["cost_change"] == "0.01"


def test_a_price_in_the_overlay_moves_the_features_that_use_it(settled: Any) -> None:
    """A changed price file re-prices recorded traffic, of features without a charter too, and is recorded nowhere."""
    overlay = """version: 1
sources: {mail: {kind: contract, ref: a mail, recorded: 2026-08-01, by: me}}
prices:
  - {provider: openai, model: gpt-4o-mini, units: {input: "1.15"}, source: mail}
"""
    settled.write(breakeven=SUPPORT + "prices: {overlay: prices.yaml}\n", prices_dot_yaml=overlay)
    found = settled.check("--json")
    assert {row["feature"]: row["cost_change"] for row in found.json["features"]} == {"search": "1", None: "1"}
    assert not [path for path in (settled.ledger / "prices").glob("edition-*") if "1.15" in path.read_text()]


def test_a_new_feature_is_priced_on_its_assumptions(settled: Any) -> None:
    """1,000 calls of 10,000 + 1,000 tokens on gpt-4o cost $35, against $20 of value."""
    new = """  summaries:
    owner: sales
    model: gpt-4o
    margin_floor: 0.1
    value: {kind: unit_price, price: "0.02"}
    assumptions: {calls_per_month: 1000, input_tokens: 10000, output_tokens: 1000, outcomes_per_month: 1000}
"""
    settled.write(breakeven=SUPPORT + new)
    found = settled.check("--json")
    row = found.json["features"][0]
    assert (row["feature"], row["status"], row["basis"], row["cost_after"]) == ("summaries", "new", "declared assumptions", "35")
    assert found.code == 1
    assert found.json["sentence"] == "summaries would lose $15.00 a month: margin −75.0%, floor 10%."


def test_assumptions_price_without_any_ledger(settled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that has no ledger says so, and still holds declared traffic against the charter."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "nothing"))
    plan = "    assumptions: {calls_per_month: 10, input_tokens: 1000000, output_tokens: 0, outcomes_per_month: 30}\n"
    settled.write(breakeven=SUPPORT + plan)
    settled.commit()
    settled.write(breakeven=(SUPPORT + plan).replace("gpt-4o", "gpt-4-turbo"))
    found = settled.without_ledger("check", "--base", "main", "--json")
    assert (found.code, found.json["period"], found.json["features"][0]["cost_change"]) == (1, None, "75")
    assert "only declared assumptions are priced" in found.err


def test_a_removed_charter_is_told(settled: Any) -> None:
    """A feature that loses its charter keeps its cost and loses its owner."""
    settled.write(breakeven="features: {}\n")
    row = settled.check("--json").json["features"][0]
    assert (row["status"], row["cost_after"]) == ("removed", "7")
    assert row["changes"][0]["what"] == "its charter is removed: nobody owns its cost any more"


def test_what_was_broken_before_does_not_fail_another_change(settled: Any) -> None:
    """A loss that was there already is a warning for a change that does not touch it, and fails where the floor rises above it."""
    settled.write(breakeven=SUPPORT.replace("1.00", "0.50"))
    settled.commit()
    settled.write(breakeven=SUPPORT.replace("1.00", "0.50").replace("help desk", "care"))
    found = settled.check("--json")
    assert (found.code, [row["sentence"] for row in found.json["warnings"]]) == (
        0,
        ["support loses $2.00 a month: margin −40.0%, floor 30%."],
    )
    settled.write(breakeven=SUPPORT.replace("1.00", "0.50").replace("0.3", "0.4"))
    assert settled.check().code == 1


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        ("    unit_cost_ceiling: 1.5\n", "support would cost $2.60 per answer: ceiling $1.50."),
        ('    budget: {limit: "$20", period: month}\n', "support would cost $26.00 a month: budget feature support allows $20.00."),
        ("    rungs: [gpt-4o, gpt-4o-mini]\n", "support may not use gpt-4-turbo: its charter allows gpt-4o, gpt-4o-mini."),
        (
            "budgets: {all: {limit: $10, period: month}}\n",
            "Everything together would cost $26.30 a month: budget all allows $10.00.",
        ),
    ],
)
def test_each_limit_of_the_charter_can_fail(settled: Any, limit: str, sentence: str) -> None:
    """Ceiling, budget of the feature, allowed rungs and a budget of everything each fail with both figures."""
    settled.write(breakeven=SUPPORT.replace("    margin_floor: 0.3\n", "") + limit)
    settled.commit()
    assert settled.check().code == 0
    settled.write(breakeven=SUPPORT.replace("    margin_floor: 0.3\n", "").replace("model: gpt-4o", "model: gpt-4-turbo") + limit)
    found = settled.check("--json")
    assert (found.code, [row["sentence"] for row in found.json["failures"]]) == (1, [sentence])


def test_a_model_without_a_price_is_not_free(settled: Any) -> None:
    """A limit cannot be held against an unknown cost: the check fails and says which model has no price."""
    settled.write(breakeven=SUPPORT.replace("gpt-4o", "gpt-404"))
    found = settled.check("--json")
    assert (found.code, found.json["features"][0]["cost_after"], found.json["cost_change"]) == (1, None, None)
    assert "gpt-404 has no price" in found.json["sentence"]


def test_a_changed_route_moves_traffic(settled: Any) -> None:
    """A route that leads a feature's model to another one is priced like a change of the model."""
    settled.write(breakeven=SUPPORT + "routes: [{model: gpt-4o, to: [{provider: openai, model: gpt-4o-mini}]}]\n")
    found = settled.check("--json").json
    assert found["features"][0]["cost_change"] == "-6.58"
    assert found["features"][0]["changes"][0]["what"] == "routes lead to another model"


def test_a_route_moves_features_that_name_no_model(settled: Any) -> None:
    """Where a feature names no model, a changed route moves the recorded calls that it is about, and no others."""
    plain = SUPPORT.replace("    model: gpt-4o\n", "")
    settled.write(breakeven=plain)
    settled.commit()
    settled.write(breakeven=plain + "routes: [{model: gpt-4o-mini, to: [{provider: openai, model: gpt-4o}]}]\n")
    found = settled.check("--json").json
    # a million input tokens each of search and of nobody: $2.50 instead of $0.15
    assert {row["feature"]: row["cost_change"] for row in found["features"]} == {"search": "2.35", None: "2.35"}
    settled.commit()
    settled.write(breakeven=plain)
    assert settled.check("--json").json["cost_change"] == "0"


def test_a_model_of_another_vendor_is_found(settled: Any) -> None:
    """`vendor/model` says where a model is; without it the vendor is the one that has a price for it."""
    for name in ("anthropic/claude-haiku-4-5", "claude-haiku-4-5"):
        settled.write(breakeven=SUPPORT.replace("gpt-4o", name))
        # $1 and $5 per million for 2,000,000 and 200,000 tokens
        assert settled.check("--json").json["features"][0]["cost_after"] == "3"
    settled.write(breakeven=SUPPORT.replace("gpt-4o", "openai/gpt-4o"))
    assert settled.check("--json").json["features"][0]["cost_after"] == "7"


def test_naming_models_for_the_first_time_is_a_description(settled: Any) -> None:
    """A charter that begins to name its models or prompts changes nothing that was recorded; limits are told as they change."""
    settled.write(breakeven="features:\n  support: {owner: care}\n")
    settled.commit()
    settled.write(breakeven=SUPPORT.replace("0.3", "0.1") + "    rungs: [gpt-4o]\n    unit_cost_ceiling: 2\n")
    row = settled.check("--json").json["features"][0]
    assert (row["cost_change"], [change["what"] for change in row["changes"]]) == (
        "0",
        [
            "it names the prompt prompts/support.txt",
            "it names its models for the first time: gpt-4o; taken as a description",
            "margin floor none → 10%",
            "ceiling per outcome none → $2.00",
            "allowed rungs none → gpt-4o",
            "its value model is another one",
            "owner care → help desk",
        ],
    )


def test_calls_have_budgets_too(settled: Any, bring: Callable[[Path, str, str], None]) -> None:
    """A monthly budget of calls that is below what is made fails where it is introduced."""
    del bring
    settled.write(breakeven=SUPPORT + "    budget: {limit: 1 calls, period: month}\n")
    found = settled.check("--json")
    assert (found.code, found.json["sentence"]) == (1, "support would make 2 calls a month: budget feature support allows 1.")


def test_budgets_of_customers_and_days_are_not_judged(settled: Any) -> None:
    """What a change of configuration cannot know is left to the gateway."""
    apart = "budgets: {c: {per: customer, limit: $1, period: month}, d: {limit: $1, period: day}}\n"
    settled.write(breakeven=SUPPORT + apart)
    assert settled.check().code == 0


def test_a_plan_without_a_model_or_value_is_told(settled: Any) -> None:
    """Assumptions that name no model cost an unknown amount; a charter with neither traffic nor assumptions prices nothing."""
    plan = "assumptions: {calls_per_month: 1, input_tokens: 1, output_tokens: 1}"
    settled.write(breakeven=SUPPORT + f"  a: {{owner: ann, {plan}}}\n  b: {{owner: ann, model: gpt-4o}}\n")
    found = settled.check("--json")
    assert (found.code, [row["sentence"] for row in found.json["warnings"]]) == (
        0,
        ["What a would cost is unknown: it names no model."],
    )
    assert "b: neither traffic nor assumptions, so that nothing is priced (breakeven.yaml:10)" in found.json["trail"]["notes"]
    assert {row["feature"]: row["cost_after"] for row in found.json["features"]} == {"a": None, "b": None}


def test_git_that_is_not_there_and_text_that_is_none_are_explained(settled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt that is no text names file and line; without git nothing can be compared."""
    (settled.root / "prompts/support.txt").write_bytes(b"ok\n\xff\xfe")
    found = settled.check()
    assert (found.code, "prompts/support.txt:2: the file is not UTF-8 text" in found.err) == (3, True)
    monkeypatch.setenv("PATH", str(settled.root))
    found = settled.check()
    assert (found.code, "git is not installed" in found.err) == (4, True)


def test_the_base_is_where_the_branch_left_it(settled: Any) -> None:
    """What came to main after the branch began is not the branch's doing, unless the tip itself is asked for."""
    settled.branch("work")
    settled.write(breakeven=SUPPORT.replace("help desk", "care"))
    settled.commit()
    settled.switch("main")
    settled.write(breakeven=SUPPORT.replace("gpt-4o", "gpt-4o-mini"))
    settled.commit()
    settled.switch("work")
    assert settled.check("--json").json["cost_change"] == "0"
    mini = settled.check("--json", "--exact-base").json["features"][0]["changes"][0]
    assert mini["what"] == "models gpt-4o-mini → gpt-4o"


def test_two_revisions_can_be_compared(settled: Any) -> None:
    """`--head` judges a commit whatever lies in the work tree."""
    first = settled.commit()
    settled.write(breakeven=SUPPORT.replace("gpt-4o", "gpt-4o-mini"))
    second = settled.commit()
    settled.write(breakeven="nonsense: [")
    found = settled.check("--head", second, "--json", base=first)
    assert (found.code, found.json["cost_change"], found.json["head"]["commit"]) == (0, "-6.58", second)


def test_a_fault_in_either_revision_names_file_and_line(settled: Any) -> None:
    """Exit code 3, and the message says in which revision the line stands."""
    settled.write(breakeven=SUPPORT.replace("owner", "onwer"))
    found = settled.check()
    assert (found.code, "breakeven.yaml:3: feature support has an unknown field 'onwer'" in found.err) == (3, True)
    settled.commit()
    settled.write(breakeven=SUPPORT)
    found = settled.check()
    assert (found.code, "main:breakeven.yaml:3: feature support has an unknown field 'onwer'" in found.err) == (3, True)


def test_a_prompt_that_is_not_there_is_a_fault(settled: Any) -> None:
    """A named prompt file that does not exist is told with the line that names it."""
    settled.write(breakeven=SUPPORT.replace("support.txt", "other.txt"))
    found = settled.check()
    assert (found.code, "breakeven.yaml:6: feature support: there is no prompt file prompts/other.txt" in found.err) == (3, True)


@pytest.mark.parametrize("link", [False, True])
def test_files_outside_of_the_repository_are_not_read(settled: Any, tmp_path: Path, link: bool) -> None:
    """A pull request cannot learn of other files of the machine, by a path or by a link that leads there."""
    (tmp_path / "secret.txt").write_text("secret")
    path = "prompts/link.txt" if link else "../secret.txt"
    if link:
        (settled.root / path).symlink_to(tmp_path / "secret.txt")
    settled.write(breakeven=SUPPORT.replace("prompts/support.txt", path))
    found = settled.check()
    assert (found.code, f"there is no prompt file {path} in the repository" in found.err) == (3, True)


def test_an_unknown_revision_and_a_place_without_git_are_explained(
    settled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A revision that git does not know is a wrong request; outside of a repository nothing can be compared."""
    found = settled.check(base="--output=x")
    assert (found.code, "git knows no revision '--output=x'" in found.err) == (2, True)
    outside = tmp_path / "outside"
    outside.mkdir()
    monkeypatch.chdir(outside)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    found = settled.check()
    assert (found.code, "is not in a git repository" in found.err) == (4, True)


def test_a_first_configuration_is_all_new(project: Any) -> None:
    """Where the base has no breakeven.yaml its features are new, their recorded traffic counts, and the trail says so."""
    project.commit()
    project.write(breakeven=SUPPORT, prompts__support_dot_txt=PROMPT)
    found = project.check("--json")
    assert (found.code, found.json["features"][0]["status"], found.json["features"][0]["cost_before"]) == (0, "new", "7")
    assert found.json["trail"]["notes"][0] == "main has no configuration: everything is new"


def test_the_comment_can_be_found_again_and_names_act_as_text(settled: Any) -> None:
    """The Markdown starts with the hidden marker, says the same sentence, and neutralises markup in names."""
    evil = "sup|port <b>@team</b>"
    settled.write(breakeven=SUPPORT.replace("gpt-4o", "gpt-4-turbo") + f'  "{evil}": {{owner: me}}\n')
    comment = settled.check("--markdown").out
    assert comment.startswith("<!-- breakeven-check -->\n### ❌ support would lose $16.00 a month: margin −160.0%, floor 30%.")
    assert "| support | 7.00 → 26.00 | +19.00 | 0.700 → 2.60 | 30.0% → −160.0% | help desk |" in comment
    assert evil not in comment
    assert "<b>" not in comment
    assert "@team" not in comment
