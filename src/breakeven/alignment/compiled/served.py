"""A compiled handler before a task: the request's slot is read, the fields are found, the answer is written as past ones were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from breakeven.alignment.compiled.documents import read_document
from breakeven.alignment.compiled.handler_file import from_file, read_file
from breakeven.alignment.compiled.shape import SINGLE_ANSWER, TaskShape
from breakeven.alignment.task import Declined, Reply, Task

if TYPE_CHECKING:
    from breakeven.alignment.compiled.handler import Handler


@dataclass(frozen=True, slots=True)
class ServedHandler:
    """A handler with the shape of its task."""

    handler: Handler
    shape: TaskShape

    def answer(self, task: Task) -> Reply | Declined:
        """The reply to one request, or why there is none."""
        text = self.shape.input_of(task)
        if isinstance(text, Declined):
            return text
        if not text.strip():
            return Declined("the request's input is empty")
        found = self.handler.answer(read_document(text))
        return self.shape.reply(found.fields) if found.answered else Declined(found.why)


def served_handler(content: bytes, where: str) -> ServedHandler:
    """The handler in a file, ready to serve. Raises DataError naming `where`.

    A handler learned from a file of examples knows no prompt: it takes the whole prompt for its input, and answers with compact
    JSON, or with its one value.
    """
    file = read_file(content, where)
    fields = tuple(file.fields)
    plain = TaskShape(fields=fields, writing="text" if fields == (SINGLE_ANSWER,) else "compact")
    return ServedHandler(from_file(file), file.shape or plain)
