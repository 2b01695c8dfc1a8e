"""Units that need no code of the user's: Seldon's SIMPLE_MODEL, SIMPLE_ROUTER, RANDOM_ABTEST and AVERAGE_COMBINER.

Loaded through ``loading``. Seldon's executor has RANDOM_ABTEST alone (release 1.17.1); the others are as its engine
before had them.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.protocol.errors import BadAnswerError
from sluicegate.serving.protocol.messages import Feedback, Message, merged
from sluicegate.serving.runtime.sources import Loaded, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltIn:
    """A unit that passes messages on, but for what its kind does otherwise."""

    name: str

    def transform_input(self, message: Message) -> Message:
        """The same message."""
        return message

    def predict(self, message: Message) -> Message:
        """The same message."""
        return message

    def route(self, message: Message) -> int:  # noqa: ARG002  (the port's signature)
        """The first child."""
        return 0

    def routed(self, message: Message) -> Message:
        """The branch as a message, for who asks this unit alone."""
        form = message.form if message.tabular else "tensor"
        return replace(message, content=np.array([[self.route(message)]]), form=form, names=("t:0",))

    def aggregate(self, messages: Sequence[Message]) -> Message:
        """The first child's answer."""
        return messages[0]

    def transform_output(self, message: Message) -> Message:
        """The same message."""
        return message

    def send_feedback(self, feedback: Feedback) -> None:
        """Nothing is learnt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleModel(BuiltIn):
    """One answer to everything: for trying a graph out before there is a model."""

    classes: tuple[str, ...] = ("class0", "class1", "class2")

    def predict(self, message: Message) -> Message:
        """0.1, 0.9 and 0.5 for each row."""
        content = np.tile(np.array([0.1, 0.9, 0.5]), (message.rows, 1))
        form = message.form if message.tabular else "tensor"
        return replace(message, content=content, form=form, names=self.classes, tensors=())


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomAbTest(BuiltIn):
    """Child 0 with probability ``ratio``, otherwise child 1, anew for each request."""

    ratio: float
    draw: Callable[[], float]

    def route(self, message: Message) -> int:  # noqa: ARG002  (the port's signature)
        """A draw."""
        return 0 if self.draw() < self.ratio else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AverageCombiner(BuiltIn):
    """The mean of the children's answers, element by element, under the first one's names."""

    def aggregate(self, messages: Sequence[Message]) -> Message:
        """Raises BadAnswerError for answers that are no numbers, or of different shapes."""
        tables = [_numbers(message, index) for index, message in enumerate(messages)]
        for index, table in enumerate(tables):
            if table.shape != tables[0].shape:
                shapes = f"shape {list(table.shape)} beside {list(tables[0].shape)}"
                raise BadAnswerError(f"children[{index}] answered {shapes}; a mean needs equal ones")
        meta = merged(message.meta for message in messages)
        return replace(messages[0], content=np.mean(np.stack(tables), axis=0), meta=meta)


def _numbers(message: Message, index: int) -> Any:
    content = message.content
    if not isinstance(content, np.ndarray) or content.dtype.kind not in "fiub":
        raise BadAnswerError(f"children[{index}] answered no numbers; a mean needs arrays of numbers")
    return content


def _random_ab_test(source: Source) -> BuiltIn:
    stated = source.parameters.get("ratioA", 0.5)
    try:
        ratio = float(stated)
    except ValueError:
        ratio = math.nan
    if not 0 <= ratio <= 1:
        raise BundleRefused(f"unit {source.name!r} parameter 'ratioA'", repr(stated), "a FLOAT from 0 to 1")
    return RandomAbTest(name=source.name, ratio=ratio, draw=random.SystemRandom().random)


_KINDS: dict[str, Callable[[Source], BuiltIn]] = {
    "SIMPLE_MODEL": lambda source: SimpleModel(name=source.name),
    "SIMPLE_ROUTER": lambda source: BuiltIn(name=source.name),
    "RANDOM_ABTEST": _random_ab_test,
    "AVERAGE_COMBINER": lambda source: AverageCombiner(name=source.name),
}
BUILT_IN = frozenset(_KINDS)


def load(source: Source) -> Loaded:
    """The unit that the implementation names. Raises BundleRefused."""
    return Loaded(unit=_KINDS[source.implementation](source))
