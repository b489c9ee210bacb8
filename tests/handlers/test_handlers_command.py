"""`breakeven handlers` as its user sees it, with compiled handlers among them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from breakeven.alignment.standing import Terms
from breakeven.alignment.task import Declined, Reply, Task
from breakeven.handlers.compiled import CompiledAnswers
from breakeven.handlers.standings import Standings, fingerprint
from breakeven.settings import load_settings
from breakeven.settings.handlers import HANDLER_FIELDS

Run = Callable[..., tuple[int, str, str]]
CONFIG = """
handlers:
  shout: {function: rules.py:shout, mode: live, checked: 5%, floor: 98%, timeout: 2s}
  polite: {function: rules.py:polite}
  sums: {builtin: arithmetic, mode: trial, share: 20%}
  invoices: {compiled: invoices.json, begin: "<invoice>", end: "</invoice>", mode: live, floor: 0.9}
"""
RULES = """
def shout(task):
    return task.prompt.upper() if task.prompt.islower() else None
def polite(task, reply):
    return None if "please" in reply.text else "it is not polite"
"""
VENDORS = ("Harbour Supplies", "Mill Lane Paper", "Northern Light")


def _invoice(draws: Random) -> tuple[str, dict[str, str]]:
    vendor, number, total = draws.choice(VENDORS), draws.randrange(1_000, 9_999), f"{draws.randrange(100, 99_999) / 100:.2f}"
    day = f"2024-{draws.randrange(1, 13):02}-{draws.randrange(1, 29):02}"
    text = f"{vendor}\nInvoice {number}\nDate: {day}\nThank you\nTotal: {total}\n"
    return text, {"vendor": vendor, "date": day, "total": total}


@pytest.fixture
def project(tmp_path: Path, breakeven: Run) -> Path:
    """A configuration with four handlers, one of them compiled from 200 invented invoices."""
    (tmp_path / "breakeven.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "rules.py").write_text(RULES, encoding="utf-8")
    draws = Random(5)
    lines = [json.dumps(dict(zip(("input", "output"), _invoice(draws), strict=True))) for _ in range(200)]
    (tmp_path / "past.jsonl").write_text("\n".join(lines), encoding="utf-8")
    code, _, err = breakeven("compile", "learn", "past.jsonl", "--input", "input", "--output", "output", "-o", "invoices.json")
    assert code == 0, err
    return tmp_path


def _withdraw(project: Path, name: str) -> None:
    handler = load_settings(project / "breakeven.yaml").handlers[name]
    store = Standings(project / "ledger")
    store.checked(name, fingerprint(handler), Terms("live", floor=0.95), [False] * 20)
    store.close()


@pytest.mark.usefixtures("project")
def test_list_says_how_each_stands(breakeven: Run) -> None:
    """Names, modes and records in one table; as JSON with shares as numbers and unknown as null."""
    code, out, _ = breakeven("handlers", "list")
    assert code == 0
    assert "4 handlers, 3 answering." in out
    code, out, _ = breakeven("handlers", "list", "--json")
    rows = {row["name"]: row for row in json.loads(out)["rows"]}
    assert (rows["shout"]["mode"], rows["shout"]["checked"], rows["shout"]["floor"]) == ("live", 0.05, 0.98)
    assert (rows["sums"]["share"], rows["sums"]["lower_bound"], rows["sums"]["withdrawn"]) == (0.2, None, False)
    assert rows["polite"]["place"].endswith("breakeven.yaml:4")
    code, out, _ = breakeven("handlers", "list", "--csv")
    assert out.splitlines()[0].startswith("name,kind,source,mode,share,checked,floor,")


@pytest.mark.usefixtures("project")
def test_try_asks_as_the_gateway_would(breakeven: Run) -> None:
    """The answer alone on stdout; exit code 1 and the reason where it declines or a check rejects."""
    assert breakeven("handlers", "try", "shout", "hello")[:2] == (0, "HELLO\n")
    assert breakeven("handlers", "try", "sums", "What is 2 + 2?")[:2] == (0, "4\n")
    code, out, err = breakeven("handlers", "try", "shout", "Hello")
    assert (code, out) == (1, "")
    assert "shout declines: it declines" in err
    assert breakeven("handlers", "try", "polite", "x", "--answer", "yes please")[:2] == (0, "the answer stands\n")
    code, _, err = breakeven("handlers", "try", "polite", "x", "--answer", "no")
    assert code == 1
    assert "polite rejects the answer: it is not polite" in err
    code, out, _ = breakeven("handlers", "try", "sums", "7 * 6 =", "--json")
    found = json.loads(out)
    assert (found["answered"], found["text"], found["value"]) == (True, "42", 42)
    assert breakeven("handlers", "try", "sums")[0] == 2
    code, _, err = breakeven("handlers", "try", "sumz", "x")
    assert code == 2
    assert "Did you mean 'sums'?" in err


def test_a_withdrawn_handler_is_shown_and_reinstated(breakeven: Run, project: Path) -> None:
    """`show` says why and exits 1; `reinstate` needs a reason, begins a new record and is in the decisions log."""
    assert breakeven("ledger", "verify")[0] in {0, 4}
    assert breakeven("import", "calls", _calls(project))[0] == 0
    _withdraw(project, "shout")
    code, out, _ = breakeven("handlers", "show", "shout")
    assert code == 1
    assert "shout is withdrawn: of the last 2 checks 0 agreed" in out
    assert "1 withdrawn" in breakeven("handlers", "list")[1]
    assert breakeven("handlers", "reinstate", "shout")[0] == 2
    code, out, _ = breakeven("handlers", "reinstate", "shout", "--why", "a rule was corrected")
    assert code == 0
    assert "it was withdrawn because of the last 2 checks" in out
    assert breakeven("handlers", "show", "shout")[0] == 0
    log = json.loads(breakeven("decisions", "--json")[1])["rows"]
    assert [(row["action"], row["subject"], row["why"]) for row in log] == [
        ("reinstate handlers", "handler shout", "a rule was corrected")
    ]
    assert breakeven("handlers", "reinstate", "shout", "--why", "again")[0] == 2


def _calls(project: Path) -> Path:
    file = project / "calls.csv"
    file.write_text("ts,provider,model,input_tokens,output_tokens\n2026-10-01T00:00:00Z,openai,gpt-4o,10,5\n", encoding="utf-8")
    return file


def test_a_compiled_handler_answers_from_a_prompt(project: Path) -> None:
    """The document between the markers becomes the object of fields; a prompt without it, or more than text, is declined."""
    answers = CompiledAnswers(str(project / "invoices.json"), {"begin": "<invoice>", "end": "</invoice>"})
    draws, right, answered = Random(77), 0, 0
    for _ in range(50):
        text, truth = _invoice(draws)
        found = answers(Task(f"Read this invoice as JSON.\n<invoice>\n{text}</invoice>\nOnly the JSON.", "You read invoices."))
        if isinstance(found, Reply):
            answered += 1
            right += found.value == truth == json.loads(found.text)
    assert answered >= 40
    assert right == answered
    text, _ = _invoice(draws)
    declined = [
        answers(Task(text)),
        answers(Task(f"<invoice>{text}</invoice>", media=True)),
        answers(Task("<invoice>hello</invoice>")),
    ]
    assert all(isinstance(one, Declined) for one in declined)


def test_a_compiled_handler_is_loaded_quickly_and_again_when_it_changes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading takes milliseconds; a file replaced by something else declines within a second, and answers again when it is back."""
    file = project / "invoices.json"
    content = file.read_bytes()
    began = time.process_time()
    answers = CompiledAnswers(str(file), {})
    assert time.process_time() - began < 0.5
    clock = [1_000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    text, _ = _invoice(Random(3))
    assert isinstance(answers(Task(text)), Reply)
    file.write_bytes(b"{}")
    clock[0] += 1.1
    gone = answers(Task(text))
    assert isinstance(gone, Declined)
    assert "is no compiled handler" in gone.why
    file.write_bytes(content)
    clock[0] += 1.1
    assert isinstance(answers(Task(text)), Reply)


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ("{mode: live}", "handler own: it does not say what it is"),
        ("{function: a.py:f, builtin: lookup}", "handler own: it is said to be function and builtin at once"),
        ("{function: a.py}", "handler own: function is 'a.py'"),
        ("{builtin: arithmetics}", "handler own: there is no built-in handler 'arithmetics'"),
        ("{builtin: lookup}", "handler own: table is missing"),
        ("{builtin: python, table: x}", "handler own: table means nothing to a handler of the kind builtin python"),
        ("{compiled: x.json, answer: xml}", "handler own: answer is 'xml'"),
        ("{builtin: python, mode: on}", "handler own: mode is 'on'"),
        ("{builtin: python, share: 120%}", "handler own: share is '120%'"),
        ("{builtin: python, floor: 100%}", "handler own: floor is '100%'"),
        ("{builtin: python, timeout: 5}", "handler own: timeout is '5'"),
        ("{builtin: python, timeout: 5m}", "handler own: timeout is longer than 60s"),
        ("{builtin: python, processes: 99}", "handler own: processes is 99"),
        ("{builtin: python, speed: 1}", "handler own has an unknown field 'speed'"),
    ],
)
def test_bad_settings_are_told_with_their_line(breakeven: Run, tmp_path: Path, declared: str, told: str) -> None:
    """What is wrong, in which handler, at which line, and exit code 3."""
    (tmp_path / "breakeven.yaml").write_text(f"handlers:\n  own: {declared}\n", encoding="utf-8")
    code, _, err = breakeven("handlers", "list")
    assert code == 3
    assert f"breakeven.yaml:2: {told}" in err


def test_every_field_is_documented(repository: Path) -> None:
    """The reference names each field of a handler."""
    page = (repository / "docs/reference/configuration.md").read_text(encoding="utf-8")
    assert [name for name in HANDLER_FIELDS if f"`{name}`" not in page] == []
