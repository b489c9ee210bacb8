"""“What does this Python return”: right on every real question, and nothing gets out of the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.alignment.task import Declined, Reply, Task
from breakeven.handlers.builtin.sandbox import Sandbox, recognised

FORM = "Complete the assertion.\n\n[PYTHON]\n{}\nassert {} == ??\n[/PYTHON]"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One sandbox for all tests of this file."""
    made = Sandbox({})
    yield made
    made.close()


def _ask(sandbox: Sandbox, code: str, call: str = "f()") -> Reply | Declined:
    return sandbox(Task(FORM.format(code, call)))


def test_every_real_question_is_answered_right(sandbox: Sandbox, shared_data: Path) -> None:
    """All 422 CRUXEval-O prompts are answered with the literal that Python itself returns, in 200 µs of CPU here at the median."""
    frame = pl.read_parquet(shared_data / "routing" / "queries.parquet").filter(pl.col("dataset") == "cruxeval-o")
    prompts = frame["prompt"].to_list()
    taken, answers = [], []
    for prompt in prompts:
        began = time.process_time_ns()
        answers.append(sandbox(Task(prompt)))
        taken.append(time.process_time_ns() - began)
    assert [answer for answer in answers if not isinstance(answer, Reply)] == []
    texts = [answer.text for answer in answers if isinstance(answer, Reply)]
    assert _wrong(prompts, texts) == []
    assert len(texts) == 422
    assert median(taken) < 2_000_000  # 200 µs on a quiet machine (bench/handlers.py); here only that nothing is out of proportion


def _wrong(prompts: list[str], texts: list[str]) -> list[int]:
    """Where Python, in a process of its own, finds another value than the text says."""
    script = (
        "import ast, json, sys\n"
        "from breakeven.handlers.builtin.sandbox import recognised\n"
        "wrong = []\n"
        "for number, (prompt, text) in enumerate(json.load(sys.stdin)):\n"
        "    question, names = recognised(prompt), {}\n"
        "    exec(question.code, names)\n"
        "    value = eval(question.call, names)\n"
        "    found = ast.literal_eval(text) if text != 'set()' else set()\n"
        "    if found != value or type(found) is not type(value): wrong.append(number)\n"
        "print(json.dumps(wrong))\n"
    )
    asked = json.dumps(list(zip(prompts, texts, strict=True)))
    done = subprocess.run([sys.executable, "-c", script], input=asked, capture_output=True, text=True, check=True)
    found: list[int] = json.loads(done.stdout)
    return found


VARIED = """
import ast, json, random, signal, sys
from breakeven.handlers.builtin.sandbox import recognised
draws = random.Random(7)
def varied(value):
    if isinstance(value, int): return draws.choice([value + 1, -value, 0, value * 3])
    if isinstance(value, str):
        odd = ["", "\u00bd" + value, value + " \u00c91", value + "\\t\\n"]
        return draws.choice([value[::-1], value.upper(), value[1:], value * 2, *odd])
    if isinstance(value, list): return draws.choice([value[::-1], [varied(one) for one in value], value * 2, [], value[1:]])
    if isinstance(value, dict): return {name: varied(one) for name, one in value.items()}
    return value
def late(*_): raise TimeoutError
signal.signal(signal.SIGALRM, late)
found = []
for prompt in json.load(sys.stdin):
    question = recognised(prompt)
    try:
        given = [ast.literal_eval(one) for one in ast.parse(question.call, mode="eval").body.args]
        call = f"f({', '.join(repr(varied(one)) for one in given)})"
        names = {}
        exec(question.code, names)
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        said = repr(eval(call, names))
    except BaseException as error:
        said = None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    found.append((question.code, call, said))
print(json.dumps(found))
"""


def test_other_inputs_are_answered_as_python_answers(sandbox: Sandbox, shared_data: Path) -> None:
    """The same functions with other, odd inputs: nine in ten are answered, none otherwise than Python does."""
    frame = pl.read_parquet(shared_data / "routing" / "queries.parquet").filter(pl.col("dataset") == "cruxeval-o")
    asked = json.dumps(frame["prompt"].to_list())
    done = subprocess.run([sys.executable, "-c", VARIED], input=asked, capture_output=True, text=True, check=True)
    cases = [(code, call, said) for code, call, said in json.loads(done.stdout) if "set" not in code]
    answered = [(said, found.text) for code, call, said in cases if isinstance(found := _ask(sandbox, code, call), Reply)]
    assert [pair for pair in answered if pair[0] != pair[1]] == []
    assert len(answered) > 0.9 * sum(said is not None for _, _, said in cases) > 300


def test_no_other_prompt_is_recognised(shared_data: Path) -> None:
    """None of 7,717 school questions and sums told as stories is taken for a question about Python."""
    frame = pl.read_parquet(shared_data / "routing" / "queries.parquet").filter(pl.col("dataset") != "cruxeval-o")
    assert len(frame) == 7_717
    assert [prompt for prompt in frame["prompt"] if recognised(prompt) is not None] == []


@pytest.mark.parametrize(
    "prompt",
    [
        "What does this code return?\n```python\ndef f():\n    return 1\nprint(f())\n```\nExplain it in detail.",
        "Fix this function:\n[PYTHON]\ndef f():\n    return 1\nassert f() == ??\n[/PYTHON]",
        "What does this code not return?\n```python\nprint(1)\n```",
        "Complete the assertion.\n[PYTHON]\ndef f(): return 1\nassert f() == ??\n[/PYTHON]\n[PYTHON]\nassert f() == ??\n[/PYTHON]",
        "What does this code print?\n```python\nprint(1)\nprint(2)\n```",
        "What does this code print?\n```javascript\nprint(1)\n```",
        "Complete the assertion in French.\n[PYTHON]\ndef f(): return 1\nassert f() == ??\n[/PYTHON]",
    ],
)
def test_a_word_more_is_another_task(sandbox: Sandbox, prompt: str) -> None:
    """A prompt that asks for anything else besides is declined."""
    assert isinstance(sandbox(Task(prompt)), Declined)


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("What does this code print?\n```python\ndef f(x):\n    return x + 'b'\nprint(f('a'))\n```", "ab"),
        (
            "What is the output of the following code?\n```\nx = [3, 1]\nx.sort()\nprint(x)\n```\nAnswer with only the output.",
            "[1, 3]",
        ),
        ("What does `f('a')` return?\n```python\ndef f(x):\n    return x * 2\n```", "'aa'"),
        ("```python\ndef f(x):\n    return {x: [1.50]}\n```\nWhat does `f(None)` return?", "{None: [1.5]}"),
    ],
)
def test_other_ways_to_ask(sandbox: Sandbox, prompt: str, answer: str) -> None:
    """A call's value is given as a literal, what is printed as it is printed."""
    found = sandbox(Task(prompt))
    assert isinstance(found, Reply)
    assert found.text == answer


ATTACKS = {
    "import os": "def f():\n    import os\n    return os.listdir('/')",
    "import subprocess": "def f():\n    import subprocess\n    return subprocess.run(['id'])",
    "import socket": "import socket\ndef f():\n    return socket.gethostname()",
    "import via builtins": "def f():\n    return __import__('os').getcwd()",
    "import ctypes": "from ctypes import CDLL\ndef f():\n    return 1",
    "open": "def f():\n    return open('/etc/passwd').read()",
    "open through pathlib": "from pathlib import Path\ndef f():\n    return Path('/etc/passwd').read_text()",
    "write": "def f():\n    open('escaped.txt', 'w').write('x')\n    return 1",
    "environment": "import os\ndef f():\n    return os.environ",
    "eval": "def f():\n    return eval('1+1')",
    "exec": "def f():\n    exec('x = 1')\n    return 1",
    "compile": "def f():\n    return compile('1', '', 'eval')",
    "input": "def f():\n    return input()",
    "dunder class": "def f():\n    return ().__class__.__bases__[0].__subclasses__()",
    "dunder globals": "def f():\n    return f.__globals__",
    "getattr": "def f():\n    return getattr((), '__cla' + 'ss__')",
    "format string": "def f():\n    return '{0.__class__}'.format(1)",
    "format map": "def f():\n    return '{a.__class__}'.format_map({'a': 1})",
    "format fields": "def f():\n    return '{0.real}'.format(1)",
    "type": "def f():\n    return type('X', (), {})",
    "frames": "def f():\n    try:\n        1/0\n    except Exception as e:\n        return e.__traceback__.tb_frame",
    "helpers of ours": "def f():\n    return _host_encode('a', 'b', 'c')",
    "our gaps": "def f():\n    _gaps.clear()\n    return 1",
    "endless loop": "def f():\n    while True:\n        pass",
    "endless loop that catches": "def f():\n while True:\n  try:\n   while True:\n    pass\n  except BaseException:\n   pass",
    "endless generator": "def f():\n    return sum(x for x in iter(int, 1))",
    "power bomb": "def f():\n    return 9 ** 9 ** 9",
    "shift bomb": "def f():\n    return 1 << 10 ** 10",
    "factorial bomb": "def f():\n    x = 1\n    for i in range(1, 10 ** 9):\n        x *= i\n    return x",
    "list bomb": "def f():\n    return [0] * 10 ** 10",
    "growing list": "def f():\n    x = [0]\n    while True:\n        x += x",
    "string bomb": "def f():\n    return 'a' * 10 ** 10",
    "string doubling": "def f():\n    x = 'a'\n    for i in range(100):\n        x += x\n    return x",
    "padding bomb": "def f():\n    return 'a'.ljust(10 ** 10)",
    "format bomb": "def f():\n    return '{:>9999999999}'.format(1)",
    "percent bomb": "def f():\n    return '%9999999999d' % 1",
    "replace bomb": "def f():\n    return ('a' * 10 ** 6).replace('a', 'b' * 10 ** 6)",
    "join bomb": "def f():\n    return ('a' * 10 ** 6).join(['b'] * 10 ** 6)",
    "translate bomb": "def f():\n    return ('a' * 10 ** 5).translate({97: 'b' * 10 ** 5})",
    "expandtabs bomb": "def f():\n    return '\\t'.expandtabs(10 ** 10)",
    "bytes bomb": "def f():\n    return b'a' * 10 ** 10",
    "range to list": "def f():\n    return list(range(10 ** 10))",
    "dict bomb": "def f():\n    return {i: i for i in range(10 ** 9)}",
    "recursion": "def f():\n    return f()",
    "mutual recursion": "def g():\n    return f()\ndef f():\n    return g()",
    "deep nesting": "def f():\n    x = []\n    for i in range(10 ** 6):\n        x = [x]\n    return x",
    "deep repr": "def f():\n    x = []\n    for i in range(10 ** 5):\n        x = [x]\n    return repr(x)",
    "cyclic list": "def f():\n    x = []\n    x.append(x)\n    return x",
    "deep source": "def f():\n    return " + "(" * 3_000 + "1" + ")" * 3_000,
    "deep operators": "def f():\n    return " + "-" * 5_000 + "1",
    "encode an unknown codec": "def f():\n    return 'a'.encode('os')",
    "encode a slow codec": "def f():\n    return ('\\u0430' * 10 ** 5).encode('punycode')",
    "exit": "def f():\n    raise SystemExit(0)",
    "sleep": "import time\ndef f():\n    time.sleep(60)",
    "async": "import asyncio\nasync def f():\n    await asyncio.sleep(60)",
    "random": "import random\ndef f():\n    return random.random()",
    "identity": "def f():\n    return id(f)",
    "hash": "def f():\n    return hash('a')",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_gets_out(sandbox: Sandbox, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attack is declined within a second, touches nothing, and the next question is answered."""
    monkeypatch.chdir(tmp_path)
    began = time.monotonic()
    found = _ask(sandbox, ATTACKS[name])
    assert time.monotonic() - began < 5
    assert isinstance(found, Declined), found
    assert list(tmp_path.iterdir()) == []
    assert _ask(sandbox, "def f():\n    return 'still here'") == Reply("'still here'", "still here")


def test_an_attack_leaves_nothing_for_the_next(sandbox: Sandbox) -> None:
    """Names and changed builtins of one question are unknown to the next."""
    _ask(sandbox, "left = 5\ndef len(x):\n    return 99\ndef f():\n    return len('a')")
    assert isinstance(_ask(sandbox, "def f():\n    return left"), Declined)
    assert _ask(sandbox, "def f():\n    return len('abc')") == Reply("3", 3)


def test_memory_of_this_process_stays(sandbox: Sandbox) -> None:
    """Bombs allocate in the sandbox, not here."""
    before = _resident()
    for name in ("list bomb", "growing list", "string doubling", "join bomb", "dict bomb", "translate bomb"):
        _ask(sandbox, ATTACKS[name])
    assert _resident() - before < 64 * 1024 * 1024


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(
    ("code", "call", "answer"),
    [
        ("def f(s):\n    return list(set(s))", "f('abc')", None),
        ("def f(s):\n    return [x for x in {1, 2, 3}]", "f('')", None),
        ("def f(s):\n    return sorted(set(s))", "f('cab')", "['a', 'b', 'c']"),
        ("def f(s):\n    return len({c for c in s})", "f('aab')", "2"),
        ("def f(s):\n    x = set(s)\n    return x.pop()", "f('ab')", None),
        ("def f(d):\n    del d['a']\n    return d", "f({'a': 1, 'b': 2})", "{'b': 2}"),
        ("def f(x):\n    del x[-1]\n    del x[0:1]\n    return x", "f([1, 2, 3])", "[2]"),
        ("def f(x):\n    y = x\n    del y\n    return x", "f(1)", "1"),
        ("def f(x):\n    y = x\n    del y\n    return y", "f(1)", None),
        ("def f(x):\n    for y in x:\n        del y\n    return x", "f([1])", None),
        ("def f(x):\n    try:\n        return x.decode('latin-1')\n    except:\n        return 0", "f(b'\\xe9')", "'é'"),
        ("def f(x):\n    return x.encode('no such')", "f('a')", None),
        ("def f(id, input):\n    time = id + input\n    return time", "f(1, 2)", "3"),
        ("def g(id):\n    return id\ndef f(x):\n    return id(x)", "f(1)", None),
        ("def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)", "f(600)", "600"),
        ("def f(x):\n    return sorted(x, key=x.get)", "f({'a': 2, 'b': 1})", "['b', 'a']"),
        ("def f(x):\n    return list(map(str.upper, x))", "f('ab')", "['A', 'B']"),
        ("def f(x):\n    return x.translate(str.maketrans('ab', 'ba', 'c'))", "f('abc')", "'ba'"),
        ("def f(x):\n    return x.encode('latin-1')", "f('\\xe9')", "b'\\xe9'"),
        ("def f(x):\n    try:\n        return x.bit_length()\n    except Exception:\n        return 0", "f(5)", None),
        ("def f(x):\n    try:\n        return int(x)\n    except ValueError as e:\n        return str(e)", "f('x')", None),
        ("def f(x):\n    str = 'a'\n    return str.upper()", "f(1)", "'A'"),
        ("def f():\n    return f", "f()", None),
        ("def f():\n    return [1, {2: len}]", "f()", None),
        ("def f():\n    return ['<b>', '...']", "f()", "['<b>', '...']"),
        ("def f(x):\n    return x.translate({97: '<'})", "f('a')", "'<'"),
        ("class A:\n    x = 1\ndef f():\n    return A().x", "f()", None),
        ("def f():\n    return 0.1 + 0.2", "f()", "0.30000000000000004"),
        ("def f():\n    raise ValueError", "f()", None),
    ],
)
def test_only_what_python_would_surely_say(sandbox: Sandbox, code: str, call: str, answer: str | None) -> None:
    """What depends on the order of a set, on an exception's wording or on what the sandbox lacks is declined, never guessed."""
    found = _ask(sandbox, code, call)
    assert (found.text if isinstance(found, Reply) else None) == answer


@given(st.text(max_size=200))
def test_no_prompt_breaks_the_recogniser(text: str) -> None:
    """Any text is a question or none."""
    for prompt in (text, FORM.format(text, "f()"), FORM.format("def f(): pass", text)):
        recognised(prompt)
