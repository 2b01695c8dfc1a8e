"""Messages: what a request, an answer and a feedback say, whichever protocol carried them.

Codecs make them, units of a graph take and return them, the collector reads them back from the request log. All are
frozen; a changed message is a new one (``dataclasses.replace``). Arrays inside are never written to.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
JSONValue = Any
"""Whatever ``msgspec.json.decode`` returns without a type."""
_SMALL = 100
Form = Literal["ndarray", "tensor", "tftensor", "strData", "jsonData", "binData", "customData"]
"""How the content was written on the wire; an answer mirrors its request."""
MetricKind = Literal["COUNTER", "GAUGE", "TIMER"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure that a model reports of itself; a TIMER is in milliseconds."""

    key: str
    kind: MetricKind
    value: float
    tags: dict[str, str] = field(default_factory=dict)
    counted: bool = field(default=False, compare=False)
    """Whether another process reported it, and counts it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """What travels beside the content."""

    puid: str = ""
    tags: dict[str, JSONValue] = field(default_factory=dict)
    routing: dict[str, int] = field(default_factory=dict)
    request_path: dict[str, str] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()


NO_META = Meta()


def merged(metas: Iterable[Meta]) -> Meta:
    """What several answers say beside their content, as one: later ones win, metrics are all kept (Seldon's rule).

    A metric that children took over from their common input is the same object in each of them, and is kept once.
    """
    every = tuple(metas)
    return Meta(
        puid=next((meta.puid for meta in reversed(every) if meta.puid), ""),
        tags={name: value for meta in every for name, value in meta.tags.items()},
        routing={name: branch for meta in every for name, branch in meta.routing.items()},
        request_path={name: image for meta in every for name, image in meta.request_path.items()},
        metrics=tuple({id(metric): metric for meta in every for metric in meta.metrics}.values()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How a call went, as its answer says; ``code`` is that of HTTP when a unit gives one."""

    code: int = 0
    info: str = ""
    reason: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One payload.

    ``content`` is an array for ndarray, tensor and tftensor, or arrays by name when several tensors have shapes of
    their own; text for strData, bytes for binData, else JSON; customData is JSON whose ``@type`` names a protobuf
    message.
    """

    content: Array | str | bytes | JSONValue
    form: Form = "ndarray"
    names: tuple[str, ...] = ()
    meta: Meta = NO_META
    status: Status | None = None
    tensors: tuple[str, ...] = ()
    """Names of the tensors that it came as, where its protocol has such: one, or one for each column."""

    @property
    def tabular(self) -> bool:
        """Whether the content is an array."""
        return isinstance(self.content, np.ndarray)

    @property
    def rows(self) -> int:
        """Length of the first axis; 1 for anything that is not an array."""
        return int(self.content.shape[0]) if isinstance(self.content, np.ndarray) and self.content.ndim else 1

    @property
    def size(self) -> int:
        """About the bytes of its content; of JSON's own values a tenth of a kilobyte for each at the top."""
        content = self.content
        if isinstance(content, np.ndarray):
            return content.nbytes
        if isinstance(content, str | bytes):
            return len(content)
        if isinstance(content, dict):
            return sum(each.nbytes if isinstance(each, np.ndarray) else _SMALL for each in content.values())
        return _SMALL * len(content) if isinstance(content, list) else _SMALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What became known afterwards: the reward, the true labels (one per row), for the answer with this puid."""

    puid: str
    reward: float = 0.0
    truth: Message | None = None
    request: Message | None = None
    response: Message | None = None
    routing: dict[str, int] = field(default_factory=dict)
