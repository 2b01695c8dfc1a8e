"""What is said to a unit of another process over HTTP, and what it answers: Seldon's internal API, Open Inference,
TensorFlow's. For ``remote_rest``, which carries it.

The last two have one verb, which stands for a prediction and for both transformations, as Seldon's executor has it, and
no feedback. Who routes or combines is spoken to by Seldon's API whatever the graph's protocol, as only that has verbs
for it.
"""

from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import quote

import numpy as np

from sluicegate.serving.graph.planning import Node, Verb
from sluicegate.serving.protocol import inference, seldon, tensorflow
from sluicegate.serving.protocol.errors import BadAnswerError, BadPayloadError
from sluicegate.serving.protocol.messages import Feedback, JSONValue, Message
from sluicegate.serving.protocol.tensor_messages import answer_of_tensors, check_finite, tensors_to_ask

SELDON, TENSORFLOW = "seldon", "tensorflow"
PROTOCOLS = (SELDON, "v2", "kfserving", TENSORFLOW)
"""As a deployment spells them; the two in the middle are both Open Inference."""
PATHS: dict[Verb, bytes] = {
    "predict": b"/predict",
    "transform_input": b"/transform-input",
    "route": b"/route",
    "aggregate": b"/aggregate",
    "transform_output": b"/transform-output",
}
FEEDBACK = b"/send-feedback"


class RestDialect(Protocol):
    """A protocol over HTTP, as spoken to the unit of one name."""

    def service(self, verb: Verb | None) -> str:
        """What is called for it; None: where a feedback is told."""

    def asked(self, verb: Verb, messages: Sequence[Message]) -> tuple[bytes, bytes]:
        """Path and body of a call. Raises BadPayloadError for what the protocol cannot carry."""

    def answered(self, verb: Verb, messages: Sequence[Message], body: bytes) -> Any:
        """What was answered to these messages. Raises BadPayloadError for what is no answer."""

    def told(self, feedback: Feedback) -> tuple[bytes, bytes] | None:
        """Path and body of a feedback; None where the protocol has none."""


class SeldonRest:
    """Seldon's internal API."""

    def service(self, verb: Verb | None) -> str:
        """As the port says."""
        return (PATHS[verb] if verb else FEEDBACK).decode()

    def asked(self, verb: Verb, messages: Sequence[Message]) -> tuple[bytes, bytes]:
        """As the port says."""
        bodies = [seldon.body_of(seldon.with_nulls(message)) for message in messages]
        return PATHS[verb], seldon.encode(bodies if verb == "aggregate" else bodies[0])

    def answered(self, verb: Verb, messages: Sequence[Message], body: bytes) -> Any:  # noqa: ARG002  (the port's)
        """As the port says."""
        value = seldon.parse(body)
        return branch_of(_routed(value)) if verb == "route" else seldon.message_from(value, reported=True)

    def told(self, feedback: Feedback) -> tuple[bytes, bytes] | None:
        """As the port says."""
        return FEEDBACK, seldon.encode(seldon.body_of_feedback(feedback))


class InferenceRest:
    """Open Inference, version 2."""

    def __init__(self, unit: str) -> None:
        self._path = f"/v2/models/{quote(unit, safe='')}/infer".encode()

    def service(self, verb: Verb | None) -> str:
        """As the port says."""
        return self._path.decode() if verb else ""

    def asked(self, verb: Verb, messages: Sequence[Message]) -> tuple[bytes, bytes]:  # noqa: ARG002  (the port's)
        """As the port says."""
        tensors = tensors_to_ask(messages[0])
        check_finite(tensors)
        request = inference.InferenceRequest(id=messages[0].meta.puid, inputs=tensors)
        try:
            return self._path, inference.body_of_request(request)
        except BadAnswerError as error:
            raise BadPayloadError("(body)", str(error), "text or numbers, or a graph that calls by gRPC") from error

    def answered(self, verb: Verb, messages: Sequence[Message], body: bytes) -> Any:  # noqa: ARG002  (the port's)
        """As the port says."""
        return answer_of_tensors(inference.answer_from(seldon.parse(body)).outputs, messages[0])

    def told(self, feedback: Feedback) -> tuple[bytes, bytes] | None:
        """As the port says."""


class TensorflowRest:
    """TensorFlow Serving's JSON."""

    def __init__(self, unit: str) -> None:
        self._path = f"/v1/models/{quote(unit, safe='')}:predict".encode()

    def service(self, verb: Verb | None) -> str:
        """As the port says."""
        return self._path.decode() if verb else ""

    def asked(self, verb: Verb, messages: Sequence[Message]) -> tuple[bytes, bytes]:  # noqa: ARG002  (the port's)
        """As the port says."""
        tensors = tensors_to_ask(messages[0])
        check_finite(tensors)
        return self._path, seldon.encode(tensorflow.body_of_request(tensors))

    def answered(self, verb: Verb, messages: Sequence[Message], body: bytes) -> Any:  # noqa: ARG002  (the port's)
        """As the port says."""
        return answer_of_tensors(tensorflow.answer_from(seldon.parse(body)), messages[0])

    def told(self, feedback: Feedback) -> tuple[bytes, bytes] | None:
        """As the port says."""


def rest_dialect(protocol: str, node: Node) -> RestDialect:
    """The dialect of one of ``PROTOCOLS`` for a unit."""
    if node.routes or node.aggregates or protocol == SELDON:
        return SeldonRest()
    return TensorflowRest(node.name) if protocol == TENSORFLOW else InferenceRest(node.name)


def _routed(value: JSONValue) -> object:
    """A router's answer: a message, or a bare list. Raises BadPayloadError."""
    return value if isinstance(value, list) else seldon.message_from(value).content


def branch_of(content: object) -> object:
    """The first value of what a router answered; whether it is a child's number is judged where children are known."""
    while isinstance(content, list | np.ndarray) and len(content):
        content = content[0]
    number = content.item() if isinstance(content, np.generic) else content
    return int(number) if isinstance(number, float) and number.is_integer() else number
