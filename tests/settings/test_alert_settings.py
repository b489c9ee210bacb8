"""The section `alerts:`."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from breakeven.economics.money import ATTO
from breakeven.errors import ConfigError
from breakeven.governance.alerts import ALERTS, Rule
from breakeven.settings import AlertSettings, SinkSettings, load_settings
from breakeven.settings.alerts import RULE_FIELDS, SINK_FIELDS

SECRET = "hunter2"  # noqa: S105 - invented, to be looked for in messages
SINKS = "sinks: {team: {kind: slack, url_env: HOOK}, log: {kind: log}}"


def alerts(tmp_path: Path, text: str) -> AlertSettings:
    path = tmp_path / "breakeven.yaml"
    path.write_text(text)
    return load_settings(path).alerts


def faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        alerts(tmp_path, text)
    said = [f"{problem.where.rpartition('/')[2]}: {problem.what}. {problem.remedy}" for problem in caught.value.problems]
    assert SECRET not in "".join(said)
    return said


@pytest.mark.parametrize("text", ["ledger: l", "alerts:", "alerts: {}"])
def test_without_a_sink_nothing_is_told(tmp_path: Path, text: str) -> None:
    """Alerts need somewhere to go."""
    assert alerts(tmp_path, text) == AlertSettings()


def test_a_sink_alone_is_told_of_everything_that_needs_no_line(tmp_path: Path) -> None:
    """Every usual kind goes to every sink; a customer's line is nobody's to guess; `rules: []` tells nothing."""
    found = alerts(tmp_path, f"alerts: {{{SINKS}}}")
    assert found.rules == tuple(Rule(kind.name, ("team", "log"), days=kind.days) for kind in ALERTS if kind.name != "customer_cost")
    assert alerts(tmp_path, f"alerts: {{{SINKS}, rules: []}}").rules == ()


def test_sinks_and_rules_are_read_as_written(tmp_path: Path) -> None:
    """Money, shares, days, filters and addresses; what is left out has its documented default."""
    found = alerts(
        tmp_path,
        """
features: {A: {margin_floor: 0.3}}
budgets: {m: {limit: $10, period: month}}
alerts:
  every: 30s
  sinks:
    hook: {kind: webhook, url: https://h.example.com/x, secret_env: S, timeout: 5s}
    mail: {kind: email, host: h.example.com, from: a@b.c, to: [d@e.f, g@h.i], username_env: U, password_env: P, ca_file: ca.pem}
    log: {kind: log, path: out/told.ndjson}
  rules:
    - {when: threshold, budget: m, to: hook}
    - {when: margin, feature: A, days: 7, to: [mail, log]}
    - {when: customer_cost, line: "$1,500.50", customer: [Acme, Bolt]}
    - {when: coverage, target: 98%}
""",
    )
    assert found.every == 30
    assert found.sinks["hook"] == SinkSettings("hook", "webhook", url="https://h.example.com/x", secret_env="S", timeout=5)  # noqa: S106 - a name
    assert found.sinks["log"].path == tmp_path / "out/told.ndjson"
    mail = found.sinks["mail"]
    assert (mail.port, mail.security, mail.sender, mail.recipients) == (587, "starttls", "a@b.c", ("d@e.f", "g@h.i"))
    assert (mail.username_env, mail.password_env, mail.ca_file) == ("U", "P", tmp_path / "ca.pem")
    every = ("hook", "mail", "log")
    assert found.rules == (
        Rule("threshold", ("hook",), budgets=("m",), place="breakeven.yaml:11"),
        Rule("margin", ("mail", "log"), features=("A",), days=7, place="breakeven.yaml:12"),
        Rule("customer_cost", every, customers=("Acme", "Bolt"), line=1500 * ATTO + ATTO // 2, place="breakeven.yaml:13"),
        Rule("coverage", every, target=Decimal("0.98"), days=7, place="breakeven.yaml:14"),
    )
    assert [kind.name for kind in found.kinds()] == ["threshold", "margin", "customer_cost", "coverage"]


@pytest.mark.parametrize(
    ("sink", "said"),
    [
        ("{}", "sink x: kind is missing"),
        ("{kind: slac}", "kind is 'slac'. Did you mean 'slack'?"),
        ("{kind: slack}", "it has no address. Add `url_env: NAME_OF_A_VARIABLE`"),
        (f"{{kind: slack, url: https://hooks.example.com/{SECRET}}}", "unknown field 'url'. Did you mean 'url_env'?"),
        (f"{{kind: webhook, url: https://u:{SECRET}@h/x}}", "has a user, a query or a fragment"),
        (f"{{kind: webhook, url: 'https://h/x?token={SECRET}'}}", "has a user, a query or a fragment"),
        ("{kind: webhook, url: ftp://h/x}", "is no http or https address"),
        ("{kind: webhook, url: 'https://[h/x'}", "is no address"),
        ("{kind: webhook, url: https://h/x, url_env: U}", "url and url_env both stand here"),
        (f"{{kind: webhook, url: https://h/x, secret_env: {SECRET}-1}}", "is no name of an environment variable"),
        (f"{{kind: webhook, url: https://h/x, secret: {SECRET}}}", "holds a secret in clear text"),
        ("{kind: email, from: a@b.c, to: [a@b.c]}", "host is missing"),
        ("{kind: email, host: h, from: a@b.c}", "it has no recipient"),
        ("{kind: email, host: h, from: a, to: [a@b.c]}", "from has 'a', which is no address"),
        ("{kind: email, host: h, from: a@b.c, to: ['x <a@b.c>']}", "which is no address"),
        ("{kind: email, host: h, from: a@b.c, to: [a@b.c], username_env: U}", "belong together"),
        ("{kind: email, host: h, from: a@b.c, to: [a@b.c], port: 70000}", "port is 70000"),
        ("{kind: log, url: https://h/x}", "unknown field 'url'"),
    ],
)
def test_a_faulty_sink_is_told_with_its_line_and_remedy(tmp_path: Path, sink: str, said: str) -> None:
    """What is wrong, where, and what to write instead; no secret is repeated."""
    found = faults(tmp_path, f"alerts:\n  sinks:\n    x: {sink}\n")
    assert all(one.startswith("breakeven.yaml:3: ") for one in found)
    assert any(said in one for one in found), found


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{}", "rule: when is missing"),
        ("{when: marjin}", "there is no alert 'marjin'. Did you mean 'margin'?"),
        ("{when: gap, to: [tem]}", "there is no sink 'tem'. Did you mean 'team'?"),
        ("{when: threshold, budget: n}", "there is no budget 'n'. Known: m."),
        ("{when: customer_cost}", "line is missing. Add `line: $500`"),
        ("{when: customer_cost, line: $0}", "line is '$0'. Write an amount above 0"),
        ("{when: customer_cost, line: lots}", "line is 'lots'. Write an amount above 0"),
        ("{when: coverage, target: 120%}", "target is '120%'. Write a share above 0 and at most 1"),
        ("{when: coverage, target: most}", "target is 'most'. Write a share above 0 and at most 1"),
        ("{when: coverage, target: 0}", "target is '0'. Write a share above 0 and at most 1"),
        ("{when: threshold, line: 3}", "line means nothing here. A rule threshold knows: when, to, budget, feature, customer."),
        ("{when: margin, days: 0}", "days is 0"),
        ("{when: margin, dais: 3}", "unknown field 'dais'. Did you mean 'days'?"),
    ],
)
def test_a_faulty_rule_is_told_with_its_line_and_remedy(tmp_path: Path, rule: str, said: str) -> None:
    """A field that would do nothing is a fault too."""
    found = faults(tmp_path, f"budgets: {{m: {{limit: $10, period: month}}}}\nalerts:\n  {SINKS}\n  rules:\n    - {rule}\n")
    assert all(one.startswith("breakeven.yaml:5: ") for one in found)
    assert any(said in one for one in found), found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alerts: {every: 100ms}", "every is 0.1s. Write at least 1s"),
        ("alerts: {rules: [{when: gap}]}", "there is no sink to tell"),
        ("alerts: {sink: {}}", "unknown field 'sink'. Did you mean 'sinks'?"),
        ("alerts: {sinks: {'a/b': {kind: log}}}", "a sink cannot be called 'a/b'"),
        ("alerts: 3", "instead of a mapping"),
    ],
)
def test_a_faulty_section_is_told(tmp_path: Path, text: str, said: str) -> None:
    """The section itself is checked like its parts."""
    assert any(said in one for one in faults(tmp_path, text))


def test_what_works_but_is_seldom_meant_is_a_warning(tmp_path: Path) -> None:
    """Alerts in clear text over a network, and a rule that can never tell of anything; not a receiver on this machine."""
    path = tmp_path / "breakeven.yaml"
    path.write_text("""
features: {A: {owner: x}}
alerts:
  sinks:
    far: {kind: webhook, url: http://alerts.example.com/x}
    near: {kind: webhook, url: http://localhost:9/x}
    mail: {kind: email, host: mail.example.com, security: none, from: a@b.c, to: a@b.c}
  rules: [{when: margin, feature: A}]
""")
    assert [problem.what for problem in load_settings(path).warnings] == [
        "alerts: sink far: alerts travel unencrypted",
        "alerts: sink mail: alerts travel unencrypted",
        "feature A has no margin_floor, so that this rule never tells of it",
    ]


def test_an_installed_package_adds_a_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an entry point `breakeven.alerts` names may stand in `when`, with the fields that it understands."""
    plugin = tmp_path / "plugin"
    (plugin / "quiet-1.dist-info").mkdir(parents=True)
    (plugin / "quiet-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: quiet\nVersion: 1\n")
    (plugin / "quiet-1.dist-info" / "entry_points.txt").write_text("[breakeven.alerts]\nquiet = quiet_alert:QUIET\n")
    (plugin / "quiet_alert.py").write_text(
        "from breakeven.governance.alerts import AlertKind\n"
        "QUIET = AlertKind('quiet', 'Nothing happens.', lambda rule, facts, at: [], 'coverage', ('days',), days=3)\n"
    )
    monkeypatch.syspath_prepend(plugin)
    found = alerts(tmp_path, f"alerts: {{{SINKS}, rules: [{{when: quiet}}, {{when: gap}}]}}")
    assert [(kind.name, kind.reads) for kind in found.kinds()] == [("gap", "gaps"), ("quiet", "coverage")]
    assert found.rules[0].days == 3
    assert any(
        "line means nothing here" in one for one in faults(tmp_path, f"alerts: {{{SINKS}, rules: [{{when: quiet, line: 3}}]}}")
    )


def test_every_field_stands_in_the_reference(repository: Path) -> None:
    """Each field of a sink and of a rule, and each kind of both, is documented as it is written."""
    page = (repository / "docs/reference/configuration.md").read_text(encoding="utf-8")
    fields = {field for each in SINK_FIELDS.values() for field in each}
    names = (*RULE_FIELDS, *SINK_FIELDS, *fields, *(kind.name for kind in ALERTS))
    assert [name for name in names if f"`{name}`" not in page] == []


def test_the_examples_of_the_how_to_are_configurations(repository: Path, tmp_path: Path) -> None:
    """Each YAML block of the page on alerts is read without a fault."""
    blocks = (repository / "docs/how-to/alerts.md").read_text(encoding="utf-8").split("```yaml\n")[1:]
    assert len(blocks) == 2
    for block in blocks:
        assert alerts(tmp_path, block.partition("```")[0]).rules
