"""One task as a capability sees it, whatever dialect the request was written in: what handlers, checks and routes are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Task:
    """One request, read.

    `prompt` is the text of the last user message, `earlier` are role and text of the messages before it, oldest first, `system`
    is the system text. `schema` is the JSON schema that the answer must follow, where the request declares one. `tools` and
    `media` say that the request offers tools, or carries what is not text: whoever reads only text must decline it.
    """

    prompt: str
    system: str = ""
    earlier: tuple[tuple[str, str], ...] = ()
    schema: Mapping[str, object] | None = None
    tools: bool = False
    media: bool = False
    feature: str | None = None
    workflow: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a task: its text as the caller would read it, and the value that the text states, where it states one."""

    text: str
    value: object = None


@dataclass(frozen=True, slots=True)
class Declined:
    """No answer, and why: the task goes on to the next capability."""

    why: str
