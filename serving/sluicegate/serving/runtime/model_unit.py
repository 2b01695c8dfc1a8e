"""A loaded model as a graph's unit, whatever its framework: what it takes from a message, how it is called, what its
answers are called.

Each framework's file makes one, of functions of its own. Frozen: what is proven of it at load stays true.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sluicegate.serving.protocol.errors import BadPayloadError, ProtocolError
from sluicegate.serving.protocol.messages import Array, Feedback, Message
from sluicegate.serving.runtime.errors import ModelError, ModelFailedError, RequestRejectedError

_NOT_IMPLEMENTED = "MICROSERVICE_NOT_IMPLEMENTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedAnswers:
    """Rows of answers that bring the names of their columns, as a DataFrame's do."""

    values: Array
    columns: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, columns."""
        return self.values.shape

    def __getitem__(self, rows: slice) -> "NamedAnswers":
        """Some of the rows."""
        return replace(self, values=self.values[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """The values."""
        return np.array(self.values, dtype=dtype, copy=copy)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUnit:
    """``take`` makes of a message what ``engine`` is called with; ``stackable``: these are arrays of rows, and several
    may be laid on one another. ``classes`` are the answer's names; empty when an answer is one value a row.
    """

    name: str
    model: Any
    take: Callable[[Message], Any]
    engine: Callable[[Any], Any]
    method: str = "predict"
    classes: tuple[str, ...] = ()
    stackable: bool = False
    per_row: bool = False

    def transform_input(self, message: Message) -> Message:
        """Nothing to do."""
        return message

    def transform_output(self, message: Message) -> Message:
        """Nothing to do."""
        return message

    def has(self, verb: str) -> bool:
        """Whether asking for it makes sense."""
        return verb in ("predict", "transform_input", "transform_output")

    def route(self, message: Message) -> int:  # noqa: ARG002  (the port's signature)
        """A model is no router. Raises RequestRejectedError."""
        raise RequestRejectedError(f"unit {self.name!r} is a model; it routes nothing", 501, _NOT_IMPLEMENTED)

    def aggregate(self, messages: Sequence[Message]) -> Message:  # noqa: ARG002  (the port's signature)
        """A model is no combiner. Raises RequestRejectedError."""
        raise RequestRejectedError(f"unit {self.name!r} is a model; it combines nothing", 501, _NOT_IMPLEMENTED)

    def send_feedback(self, feedback: Feedback) -> None:
        """A fitted model learns nothing; the server counts."""

    def predict(self, message: Message) -> Message:
        """One answer a row. Raises BadPayloadError, ModelFailedError."""
        return self._message(message, self._run(self.take(message)))

    def predict_many(self, messages: Sequence[Message]) -> list[Message | Exception]:
        """Answers of independent requests by one call; a request that fails takes no other with it."""
        if len(messages) == 1 or not self.stackable:
            return [self._tried(message) for message in messages]
        taken = [self._taken(message) for message in messages]
        good = [each for each in taken if not isinstance(each, Exception)]
        try:
            together = self._run(np.concatenate(good)) if good else np.empty(0)
        except (ModelError, ValueError):
            return [self._tried(message) for message in messages]
        if getattr(together, "shape", ())[:1] != (sum(map(len, good)),):
            return [self._tried(message) for message in messages]
        answers: list[Message | Exception] = []
        start = 0
        for message, each in zip(messages, taken, strict=True):
            if isinstance(each, Exception):
                answers.append(each)
                continue
            answers.append(self._message(message, together[start : start + len(each)]))
            start += len(each)
        return answers

    def _taken(self, message: Message) -> Array | Exception:
        try:
            taken: Array = self.take(message)
        except BadPayloadError as error:
            return error
        return taken

    def _tried(self, message: Message) -> Message | Exception:
        try:
            return self.predict(message)
        except (ModelError, ProtocolError) as error:
            return error

    def _run(self, taken: Any) -> Any:
        try:
            return self.engine(taken)
        except ProtocolError:
            raise
        except Exception as error:
            raise ModelFailedError(self.name, error) from error

    def _message(self, message: Message, answers: Any) -> Message:
        if isinstance(answers, Message):
            return answers
        if isinstance(answers, dict):
            return Message(content=answers, form="jsonData", meta=message.meta)
        stated = tuple(map(str, answers.columns)) if hasattr(answers, "columns") else self.classes
        content = np.asarray(answers)
        # What the request's form cannot carry (text, JSON) is answered as a tensor, as Seldon's wrapper does.
        form = message.form if message.tabular else "tensor"
        return Message(content=content, form=form, names=_names(content, stated), meta=message.meta)


def _names(content: Array, stated: tuple[str, ...]) -> tuple[str, ...]:
    if content.ndim != 2:
        return ()
    if len(stated) == content.shape[1]:
        return stated
    return tuple(f"t:{index}" for index in range(content.shape[1]))
