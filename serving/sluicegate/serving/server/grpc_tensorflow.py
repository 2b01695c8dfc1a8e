"""TensorFlow Serving's gRPC: Predict, metadata and status of the model."""

from collections.abc import Mapping
from typing import Any

from sluicegate.serving.protocol import tensorflow
from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.protocol.protobuf import message_type, parsed
from sluicegate.serving.protocol.tensorflow_protobuf import fill_tensor, tensor_array
from sluicegate.serving.protocol.tensorflow_tensors import check_filled
from sluicegate.serving.protocol.tensors import Tensor, chosen, datatype_of, message_of_tensors, tensors_of_message
from sluicegate.serving.server import descriptions
from sluicegate.serving.server.grpc_calls import Call, Handle, Predicting
from sluicegate.serving.server.predictions import Behind
from sluicegate.serving.server.serving_state import Served

_PredictResponse = message_type("tensorflow.serving.PredictResponse")
_Metadata = message_type("tensorflow.serving.GetModelMetadataResponse")
_Signatures = message_type("tensorflow.serving.SignatureDefMap")
_Status = message_type("tensorflow.serving.GetModelStatusResponse")
_AVAILABLE = 30


class TensorflowServices:
    """Handlers of PredictionService and ModelService."""

    def __init__(self, behind: Behind) -> None:
        self._state = behind.state
        self._predicting = Predicting(behind)

    def services(self) -> Mapping[str, Mapping[str, Handle]]:
        """By full name."""
        return {
            "tensorflow.serving.PredictionService": {"Predict": self.predict, "GetModelMetadata": self.metadata},
            "tensorflow.serving.ModelService": {"GetModelStatus": self.status},
        }

    async def predict(self, call: Call, request: Any) -> Any:
        """A prediction."""
        self._check(request.model_spec)

        def read() -> Message:
            if request.model_spec.signature_name not in ("", tensorflow.SIGNATURE):
                found = repr(request.model_spec.signature_name)
                raise BadPayloadError("model_spec.signature_name", found, tensorflow.SIGNATURE)
            return message_of_tensors(_inputs(request.inputs))

        def write(message: Message, served: Served) -> Any:
            made = _PredictResponse()
            for tensor in chosen(
                tensors_of_message(message, served.output), request.output_filter, "output_filter[{}]"
            ):
                fill_tensor(made.outputs[tensor.name], tensor.values)
            _fill_spec(made.model_spec, served, tensorflow.SIGNATURE)
            return made

        return await self._predicting.predict(call, read, write)

    async def metadata(self, _: Call, request: Any) -> Any:
        """The model's signature."""
        self._check(request.model_spec)
        for index, name in enumerate(request.metadata_field):
            if name != "signature_def":
                raise BadPayloadError(f"metadata_field[{index}]", repr(name), "signature_def")
        served = self._state.serving()
        made = _Metadata()
        _fill_spec(made.model_spec, served, "")
        made.metadata["signature_def"].Pack(parsed(descriptions.signatures(served), _Signatures()))
        return made

    async def status(self, _: Call, request: Any) -> Any:
        """Available, once it is served."""
        self._check(request.model_spec)
        version = _number(self._state.serving())
        return _Status(model_version_status=[{"version": version, "state": _AVAILABLE, "status": {}}])

    def _check(self, spec: Any) -> None:
        version = spec.version_label
        if spec.WhichOneof("version_choice") == "version":
            version = str(spec.version.value)
        served = self._state.served
        if not spec.name or (served is not None and version == str(_number(served))):
            version = ""
        self._state.check_model(spec.name or (served.name if served else ""), version)


def _inputs(inputs: Any) -> list[Tensor]:
    if not inputs:
        raise BadPayloadError("inputs", "nothing", "tensors by name")
    arrays = {name: tensor_array(inputs[name], f"inputs[{name!r}]") for name in sorted(inputs)}
    check_filled(arrays.values(), "inputs")
    return [Tensor(name=name, datatype=datatype_of(array), values=_axes(array)) for name, array in arrays.items()]


def _axes(array: Any) -> Any:
    return array if array.ndim else array.reshape(1)


def _number(served: Served) -> int:
    """TensorFlow's versions are numbers."""
    return int(served.version) if served.version.isdecimal() and len(served.version) < 19 else 0


def _fill_spec(spec: Any, served: Served, signature: str) -> None:
    spec.name, spec.signature_name = served.name, signature
    spec.version.value = _number(served)
