"""The shape of a task, found from past requests and answers: what of the prompt is constant, and how answers are written.

A feature's prompt is mostly a text of its own around what it is about (`Read this invoice ... <the invoice> ... Answer as JSON`).
What all prompts begin and end with is constant; what stands between is the input that a handler reads. Answers are JSON objects,
whose members are the fields, or texts, which are one field. A request that is not written so is no input of the handler.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from breakeven.alignment.task import Declined, Reply, Task
from breakeven.errors import DataError

SINGLE_ANSWER = "answer"
"""The field's name where answers are no objects but texts."""
MOST_OF_THEM = 0.6
"""One way of asking must make up this share of the requests to be taken for the task."""
_FENCE = re.compile(r"\s*```(?:json)?[ \t]*\n(.*?)\n?```\s*\Z", re.DOTALL)
_BREAK = re.compile(r".*[\s:]", re.DOTALL)

_WRITERS: Mapping[str, Callable[[object], str]] = {
    "compact": lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
    "spaced": lambda value: json.dumps(value, ensure_ascii=False),
    "indented by 2": lambda value: json.dumps(value, ensure_ascii=False, indent=2),
    "indented by 4": lambda value: json.dumps(value, ensure_ascii=False, indent=4),
}


@dataclass(frozen=True, slots=True)
class TaskShape:
    """How a task is asked and answered. `writing` is `text`, or the way in which JSON is written; `fenced`: in a code fence."""

    system: str = ""
    earlier: tuple[tuple[str, str], ...] = ()
    before: str = ""
    after: str = ""
    fields: tuple[str, ...] = (SINGLE_ANSWER,)
    writing: str = "text"
    fenced: bool = False

    def input_of(self, task: Task) -> str | Declined:
        """What varies in this request; declined where it is not written like the examples."""
        if task.tools or task.media:
            return Declined("the request offers tools or carries what is not text")
        if task.system != self.system or task.earlier != self.earlier:
            return Declined("the system text or the earlier messages are not those of the examples")
        whole = len(task.prompt) >= len(self.before) + len(self.after)
        if not (whole and task.prompt.startswith(self.before) and task.prompt.endswith(self.after)):
            return Declined("the prompt is not written like the examples")
        return task.prompt[len(self.before) : len(task.prompt) - len(self.after)]

    def reply(self, answer: Mapping[str, object]) -> Reply:
        """The answer as the examples write theirs."""
        if self.writing == "text":
            value = answer[SINGLE_ANSWER]
            return Reply(str(value), value)
        value = {name: answer.get(name) for name in self.fields}
        text = _WRITERS[self.writing](value)
        return Reply(f"```json\n{text}\n```" if self.fenced else text, value)


@dataclass(frozen=True, slots=True)
class Spoken:
    """One past request and its answer, read; `name` says which."""

    name: str
    task: Task
    answer: str


@dataclass(frozen=True, slots=True)
class Slot:
    """One example of a task: the part of its prompt that varies, and its answer by field."""

    name: str
    text: str
    answer: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Shaped:
    """A task's shape, its examples, and how many requests are not of this shape, by reason."""

    shape: TaskShape
    examples: tuple[Slot, ...]
    left_out: Mapping[str, int]


def find_shape(past: Sequence[Spoken]) -> Shaped:
    """The shape that most of these requests and answers have. Raises DataError where they have none in common."""
    left_out: Counter[str] = Counter()
    usable = [one for one in past if not (one.task.tools or one.task.media)]
    left_out["offers tools or carries what is not text"] = len(past) - len(usable)
    group = _most_alike(usable)
    if not group or len(group) < MOST_OF_THEM * len(usable):
        raise DataError(
            f"the {len(past):,} requests are asked in many ways; the most usual one makes up {len(group):,}",
            "A handler is for one task: give each task a feature of its own, or narrow it down with --workflow.",
        )
    left_out["is asked in another way"] = len(usable) - len(group)
    first = group[0].task
    before, after = _frame([one.task.prompt for one in group])
    values = [(one, _object(one.answer)) for one in group]
    objects = [(one, value) for one, value in values if value is not None]
    if len(objects) < MOST_OF_THEM * len(group):
        shape = TaskShape(first.system, first.earlier, before, after)
        slots = [Slot(one.name, _between(one.task.prompt, before, after), {SINGLE_ANSWER: one.answer.strip()}) for one in group]
    else:
        left_out["is answered without a JSON object"] = len(group) - len(objects)
        fields = _fields([value for _, value in objects])
        alike = [(one, value) for one, value in objects if set(value) == set(fields)]
        left_out["is answered with other fields"] = len(objects) - len(alike)
        writing, fenced = _writing([(one.answer, value) for one, value in alike])
        shape = TaskShape(first.system, first.earlier, before, after, fields, writing, fenced)
        slots = [Slot(one.name, _between(one.task.prompt, before, after), value) for one, value in alike]
    return Shaped(shape, tuple(slots), {why: count for why, count in left_out.items() if count})


def _most_alike(past: Sequence[Spoken]) -> list[Spoken]:
    """The largest group with one system text, the same earlier messages, and prompts that begin alike."""
    whole = _largest(past, lambda one: (one.task.system, one.task.earlier))
    alike = _largest(whole, lambda one: _opening(one.task.prompt))
    return alike if len(alike) >= MOST_OF_THEM * len(whole) else whole


def _largest(past: Sequence[Spoken], key: Callable[[Spoken], object]) -> list[Spoken]:
    counts = Counter(key(one) for one in past)
    most = max(counts, key=lambda each: counts[each], default=None)
    return [one for one in past if key(one) == most]


def _opening(prompt: str) -> str:
    """How a prompt begins: its first line, of a prompt of one line the first two words."""
    line, _, rest = prompt.partition("\n")
    return line if rest else " ".join(line.split()[:2])


def _frame(prompts: Sequence[str]) -> tuple[str, str]:
    """What all prompts begin with and end with, in whole lines; of prompts without a common line, in whole words."""
    different = sorted(set(prompts))
    if len(different) == 1:
        return "", ""
    before = _prefix(different)
    rest = [prompt[len(before) :] for prompt in different]
    return before, _prefix([one[::-1] for one in rest], backwards=True)[::-1]


def _prefix(texts: Sequence[str], *, backwards: bool = False) -> str:
    """The common beginning, cut back to the end of a line, else to a blank or colon; never all of a text."""
    first, last = min(texts), max(texts)
    same = next((place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    common = first[: min(same, min(map(len, texts)) - 1)]
    line = common.rfind("\n") + (0 if backwards else 1)
    if line > 0:
        return common[:line]
    if backwards and "\n" in texts[0]:
        return ""
    found = _BREAK.match(common)
    return found[0] if found is not None else ""


def _between(prompt: str, before: str, after: str) -> str:
    return prompt[len(before) : len(prompt) - len(after)]


def _object(answer: str) -> dict[str, Any] | None:
    """The JSON object that an answer is, in a code fence or not."""
    fenced = _FENCE.match(answer)
    try:
        value = json.loads(fenced[1] if fenced is not None else answer)
    except ValueError:
        return None
    return value if isinstance(value, dict) and value else None


def _fields(values: Sequence[Mapping[str, object]]) -> tuple[str, ...]:
    """The members that most answers have, in their order. Raises DataError where one is no single value."""
    fields = Counter(tuple(value) for value in values).most_common(1)[0][0]
    nested = [name for name in fields if any(isinstance(value.get(name), list | dict) for value in values)]
    if nested:
        raise DataError(
            f"the answers' field {nested[0]!r} holds a list or an object, which a compiled handler cannot give",
            "Fields must be texts, numbers, true, false or null to be compiled: ask for them in a call of their own.",
        )
    return fields


def _writing(answers: Sequence[tuple[str, Mapping[str, object]]]) -> tuple[str, bool]:
    """The way of writing JSON that reproduces most answers to the letter."""
    counts: Counter[tuple[str, bool]] = Counter()
    for text, value in answers:
        fenced = _FENCE.match(text)
        inner = fenced[1] if fenced is not None else text.strip()
        way = next((name for name, write in _WRITERS.items() if write(value) == inner), "spaced")
        counts[way, fenced is not None] += 1
    return counts.most_common(1)[0][0]
