"""What is said to a unit of another process over gRPC, and what its answer means: Seldon's services, Open Inference,
TensorFlow's. For ``remote_grpc``, which carries it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sluicegate.serving.graph.planning import Node, Verb
from sluicegate.serving.graph.rest_dialects import SELDON, TENSORFLOW, branch_of
from sluicegate.serving.protocol import inference, inference_protobuf, seldon_protobuf
from sluicegate.serving.protocol.errors import BadAnswerError, BadPayloadError
from sluicegate.serving.protocol.messages import Feedback, Message
from sluicegate.serving.protocol.protobuf import message_type
from sluicegate.serving.protocol.seldon import with_nulls
from sluicegate.serving.protocol.tensor_messages import answer_of_tensors, check_finite, tensors_to_ask
from sluicegate.serving.protocol.tensorflow_protobuf import fill_tensor, tensor_array
from sluicegate.serving.protocol.tensors import Tensor, datatype_of

METHODS: Mapping[Verb, str] = {
    "predict": "/seldon.protos.Model/Predict",
    "transform_input": "/seldon.protos.Transformer/TransformInput",
    "route": "/seldon.protos.Router/Route",
    "aggregate": "/seldon.protos.Combiner/Aggregate",
    "transform_output": "/seldon.protos.OutputTransformer/TransformOutput",
}
_INFER = "/inference.GRPCInferenceService/ModelInfer"
_PREDICT = "/tensorflow.serving.PredictionService/Predict"
_PredictRequest = message_type("tensorflow.serving.PredictRequest")
_PredictResponse = message_type("tensorflow.serving.PredictResponse")


class GrpcDialect(Protocol):
    """A protocol over gRPC, as spoken to the unit of one name. ``answer``: the class of what is received."""

    answer: Any

    def service(self, verb: Verb | None) -> str:
        """What is called for it; None: where a feedback is told."""

    def asked(self, verb: Verb, messages: Sequence[Any]) -> tuple[str, Any]:
        """Method and message of a call. Raises BadPayloadError for what the protocol cannot carry."""

    def answered(self, verb: Verb, messages: Sequence[Any], received: Any) -> Any:
        """What was answered to these messages. Raises BadPayloadError for what is no answer."""

    def told(self, feedback: Feedback) -> tuple[str, Any] | None:
        """Method and message of a feedback; None where the protocol has none."""


class SeldonGrpc:
    """Seldon's services; a router has one of its own for feedback."""

    answer = seldon_protobuf.SeldonMessage

    def __init__(self, *, router: bool) -> None:
        self._feedback = f"/seldon.protos.{'Router' if router else 'Model'}/SendFeedback"

    def service(self, verb: Verb | None) -> str:
        """As the port says."""
        return METHODS[verb] if verb else self._feedback

    def asked(self, verb: Verb, messages: Sequence[Any]) -> tuple[str, Any]:
        """As the port says."""
        together = verb == "aggregate"
        whole = [with_nulls(message) for message in messages]
        return METHODS[verb], seldon_protobuf.to_messages(whole) if together else seldon_protobuf.to_message(whole[0])

    def answered(self, verb: Verb, messages: Sequence[Any], received: Any) -> Any:  # noqa: ARG002  (the port's)
        """As the port says."""
        answer = seldon_protobuf.message_from(received, reported=True)
        return branch_of(answer.content) if verb == "route" else answer

    def told(self, feedback: Feedback) -> tuple[str, Any] | None:
        """As the port says."""
        return self._feedback, seldon_protobuf.to_feedback(feedback)


class InferenceGrpc:
    """Open Inference, version 2, with contents as bytes: every type travels, NaN too."""

    answer = inference_protobuf.ModelInferResponse

    def __init__(self, unit: str) -> None:
        self._unit = unit

    def service(self, verb: Verb | None) -> str:
        """As the port says."""
        return _INFER if verb else ""

    def asked(self, verb: Verb, messages: Sequence[Message]) -> tuple[str, Any]:  # noqa: ARG002  (the port's)
        """As the port says."""
        request = inference.InferenceRequest(id=messages[0].meta.puid, inputs=tensors_to_ask(messages[0]))
        return _INFER, inference_protobuf.to_request(request, model=self._unit)

    def answered(self, verb: Verb, messages: Sequence[Message], received: Any) -> Any:  # noqa: ARG002  (the port's)
        """As the port says."""
        return answer_of_tensors(inference_protobuf.answer_from(received).outputs, messages[0])

    def told(self, feedback: Feedback) -> tuple[str, Any] | None:
        """As the port says."""


class TensorflowGrpc:
    """TensorFlow Serving's Predict."""

    answer = _PredictResponse

    def __init__(self, unit: str) -> None:
        self._unit = unit

    def service(self, verb: Verb | None) -> str:
        """As the port says."""
        return _PREDICT if verb else ""

    def asked(self, verb: Verb, messages: Sequence[Message]) -> tuple[str, Any]:  # noqa: ARG002  (the port's)
        """As the port says."""
        made = _PredictRequest()
        made.model_spec.name = self._unit
        tensors = tensors_to_ask(messages[0])
        check_finite(tensors)
        try:
            for tensor in tensors:
                fill_tensor(made.inputs[tensor.name], tensor.values)
        except BadAnswerError as error:
            raise BadPayloadError("(body)", str(error), "what TensorFlow's tensors carry") from error
        return _PREDICT, made

    def answered(self, verb: Verb, messages: Sequence[Message], received: Any) -> Any:  # noqa: ARG002  (the port's)
        """As the port says."""
        if not received.outputs:
            raise BadPayloadError("outputs", "nothing", "tensors by name")
        arrays = {name: tensor_array(received.outputs[name], f"outputs[{name!r}]") for name in sorted(received.outputs)}
        tensors = [Tensor(name=name, datatype=datatype_of(array), values=array) for name, array in arrays.items()]
        return answer_of_tensors(tensors, messages[0])

    def told(self, feedback: Feedback) -> tuple[str, Any] | None:
        """As the port says."""


def grpc_dialect(protocol: str, node: Node) -> GrpcDialect:
    """The dialect of one of ``PROTOCOLS`` for a unit."""
    if node.routes or node.aggregates or protocol == SELDON:
        return SeldonGrpc(router=node.routes)
    return TensorflowGrpc(node.name) if protocol == TENSORFLOW else InferenceGrpc(node.name)
