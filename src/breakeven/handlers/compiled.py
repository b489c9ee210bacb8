"""A compiled handler in the gateway: from a task to a document, and from its fields to the answer that the feature is used to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from breakeven.alignment.compiled.documents import Document, read_document
from breakeven.alignment.compiled.handler import Handler
from breakeven.alignment.compiled.handler_file import from_file, read_file
from breakeven.alignment.compiled.served import ServedHandler
from breakeven.alignment.task import Declined, Reply, Task
from breakeven.errors import DataError, Unreachable
from breakeven.handlers.forms import JSON, formed, unreadable

_LOOK_SECONDS = 1.0


class CompiledAnswers:
    """Answers by the handler in a file; a changed file is taken up within a second.

    `answer: value` gives the one field alone instead of a JSON object. `begin` and `end` are the texts of the prompt between which
    the document stands; without them the whole prompt is the document. A handler that was learned from whole requests knows the
    prompt and the way of answering itself, and heeds none of these options.
    """

    def __init__(self, file: str, options: Mapping[str, str]) -> None:
        self._file, self._options = Path(file), options
        self._seen: tuple[int, int, int] | None = None
        self._looked = 0.0
        self._served: ServedHandler | None = None
        self._handler = self._loaded()
        self._fault = ""
        bare = options.get("answer") == "value"
        if bare and len(self._handler.fields) != 1:
            raise DataError(f"{file} answers {len(self._handler.fields)} fields, not one value", "Leave out `answer: value`.")
        self._bare = bare

    def __call__(self, task: Task) -> Reply | Declined:
        """The answer to one task, or why it is declined."""
        self._look()
        if self._fault:
            return Declined(self._fault)
        return self._plain(task) if self._served is None else self._whole(self._served, task)

    def _whole(self, served: ServedHandler, task: Task) -> Reply | Declined:
        """The answer of a handler that was learned from whole requests: as past ones were written, where the schema allows it."""
        reply = served.answer(task)
        if isinstance(reply, Reply) and task.schema is not None:
            allowed = formed(task, reply.text, reply.value)
            return allowed if isinstance(allowed, Declined) else reply
        return reply

    def _plain(self, task: Task) -> Reply | Declined:
        """The answer of a handler that was learned from inputs alone."""
        why = unreadable(task, self._options, system="any")
        if why is not None:
            return Declined(why)
        document = self._document(task.prompt)
        if document is None:
            return Declined("the prompt has no document where one is expected")
        answer = self._handler.answer(document)
        if not answer.answered:
            return Declined(answer.why)
        fields = answer.fields
        if self._bare:
            value = next(iter(fields.values()))
            return formed(task, "" if value is None else str(value), value)
        return formed(task, JSON.encode(fields).decode(), fields)

    def _document(self, prompt: str) -> Document | None:
        begin, end = self._options.get("begin", ""), self._options.get("end", "")
        if begin:
            _, found, prompt = prompt.partition(begin)
            if not found:
                return None
        if end:
            prompt, found, _ = prompt.rpartition(end)
            if not found:
                return None
        given: object = prompt
        if prompt.lstrip().startswith("["):
            try:
                given = msgspec.json.decode(prompt)
            except msgspec.DecodeError:
                given = prompt
        try:
            return read_document(given)
        except DataError:
            return None

    def _look(self) -> None:
        """Take up a changed file; a faulty one declines until it is corrected."""
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        try:
            state = self._file.stat()
            if (state.st_mtime_ns, state.st_size, state.st_ino) != self._seen:
                self._handler, self._fault = self._loaded(), ""
        except (DataError, Unreachable) as error:
            self._fault = error.what
        except OSError as error:
            self._fault = f"{self._file.name} cannot be read: {error.strerror}"

    def _loaded(self) -> Handler:
        try:
            state = self._file.stat()
            self._seen = (state.st_mtime_ns, state.st_size, state.st_ino)
            content = self._file.read_bytes()
        except OSError as error:
            raise Unreachable(
                f"{self._file} cannot be read: {error.strerror}", "Give the file that `compile learn` wrote."
            ) from None
        file = read_file(content, self._file.name)
        handler = from_file(file)
        self._served = None if file.shape is None else ServedHandler(handler, file.shape)
        return handler
