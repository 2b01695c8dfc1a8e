"""Open Inference over gRPC: health, metadata, inference, and a repository that holds what is served."""

from collections.abc import Mapping
from typing import Any

from sluicegate.serving.protocol import inference, inference_protobuf
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.protocol.protobuf import message_type
from sluicegate.serving.server import descriptions
from sluicegate.serving.server.errors import NoSuchModelError
from sluicegate.serving.server.grpc_calls import Call, Handle, Predicting
from sluicegate.serving.server.predictions import Behind
from sluicegate.serving.server.serving_state import Served

SERVICE = "inference.GRPCInferenceService"


def _answer(name: str) -> Any:
    return message_type(f"inference.{name}Response")


_ServerLive, _ServerReady, _ServerMetadata = _answer("ServerLive"), _answer("ServerReady"), _answer("ServerMetadata")
_ModelReady, _ModelMetadata = _answer("ModelReady"), _answer("ModelMetadata")
_Index, _Load = _answer("RepositoryIndex"), _answer("RepositoryModelLoad")
_Unload = _answer("RepositoryModelUnload")


class InferenceService:
    """Handlers of Open Inference."""

    def __init__(self, behind: Behind) -> None:
        self._behind, self._state = behind, behind.state
        self._predicting = Predicting(behind)

    def services(self) -> Mapping[str, Mapping[str, Handle]]:
        """By full name."""
        return {
            SERVICE: {
                "ServerLive": self.server_live,
                "ServerReady": self.server_ready,
                "ServerMetadata": self.server_metadata,
                "ModelReady": self.model_ready,
                "ModelMetadata": self.model_metadata,
                "ModelInfer": self.infer,
                "RepositoryIndex": self.index,
                "RepositoryModelLoad": self.load,
                "RepositoryModelUnload": self.unload,
            }
        }

    async def server_live(self, _: Call, __: Any) -> Any:
        """The process runs."""
        return _ServerLive(live=True)

    async def server_ready(self, _: Call, __: Any) -> Any:
        """As ``/ready``."""
        return _ServerReady(ready=self._state.readiness()["ready"])

    async def server_metadata(self, _: Call, __: Any) -> Any:
        """The server."""
        return _ServerMetadata(**descriptions.SERVER)

    async def model_ready(self, _: Call, request: Any) -> Any:
        """A model that is not served is not ready."""
        try:
            self._state.check_model(request.name, request.version)
        except NoSuchModelError:
            return _ModelReady(ready=False)
        return _ModelReady(ready=self._state.readiness()["ready"])

    async def model_metadata(self, _: Call, request: Any) -> Any:
        """The model's tensors."""
        self._state.check_model(request.name, request.version)
        told = descriptions.inference(self._state.serving())
        tensors = {
            side: [{name: tensor[name] for name in ("name", "datatype", "shape")} for tensor in told[side]]
            for side in ("inputs", "outputs")
        }
        return _ModelMetadata(**{**told, **tensors})

    async def infer(self, call: Call, request: Any) -> Any:
        """A prediction."""
        self._state.check_model(request.model_name, request.model_version)
        asked: list[inference.InferenceRequest] = []

        def read() -> Message:
            asked.append(inference_protobuf.request_from(request))
            return inference.message_of(asked[0])

        def write(message: Message, served: Served) -> Any:
            answer = inference.answer_of(
                message, asked[0], model=served.name, version=served.version, output=served.output
            )
            return inference_protobuf.to_answer(answer, raw=bool(request.raw_input_contents))

        return await self._predicting.predict(call, read, write)

    async def index(self, _: Call, request: Any) -> Any:
        """What is served."""
        models = descriptions.repository(self._state)
        return _Index(models=[each for each in models if each["state"] == "READY" or not request.ready])

    async def load(self, _: Call, request: Any) -> Any:
        """A model that is served is loaded already. Raises NoSuchModelError for any other."""
        self._state.check_model(request.model_name or request.repository_name)
        return _Load()

    async def unload(self, _: Call, request: Any) -> Any:
        """Refused. Raises UnloadRefusedError."""
        self._state.check_model(request.model_name or request.repository_name)
        self._state.refuse_unload()
        return _Unload()
