"""Seldon's gRPC services: what users call of a graph, and what a graph calls of its units.

A unit's own verbs (route, transform, aggregate) go to a server of that one unit, past the graph: on the model's thread,
as many at a time as may wait for the model.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from sluicegate.serving.graph.planning import Verb
from sluicegate.serving.protocol import seldon_protobuf
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.protocol.protobuf import message_type, parsed
from sluicegate.serving.server import descriptions
from sluicegate.serving.server.dispatching import Bounds
from sluicegate.serving.server.grpc_calls import Call, Handle, Predicting
from sluicegate.serving.server.predictions import Behind
from sluicegate.serving.server.unit_doors import unit_call
from sluicegate.serving.server.unit_thread import UnitThread

_ModelMetadata = message_type("seldon.protos.SeldonModelMetadata")
_GraphMetadata = message_type("seldon.protos.SeldonGraphMetadata")


class SeldonServices:
    """Handlers of Seldon's services."""

    def __init__(self, behind: Behind, worker: UnitThread, bounds: Bounds) -> None:
        self._behind, self._worker, self._bounds = behind, worker, bounds
        self._predicting = Predicting(behind)

    def services(self) -> Mapping[str, Mapping[str, Handle]]:
        """By full name."""
        methods: dict[str, dict[str, Handle]] = {
            "Seldon": {
                "Predict": self.predict,
                "SendFeedback": self.send_feedback,
                "ModelMetadata": self.named_metadata,
                "GraphMetadata": self.graph_metadata,
            },
            "Model": {
                "Predict": self.predict_unit,
                "SendFeedback": self.send_feedback,
                "Metadata": self.model_metadata,
            },
            "Generic": {
                "TransformInput": self.transform_input,
                "TransformOutput": self.transform_output,
                "Route": self.route,
                "Aggregate": self.aggregate,
                "SendFeedback": self.send_feedback,
            },
            "Router": {"Route": self.route, "SendFeedback": self.send_feedback},
            "Transformer": {"TransformInput": self.transform_input},
            "OutputTransformer": {"TransformOutput": self.transform_output},
            "Combiner": {"Aggregate": self.aggregate},
        }
        return {f"seldon.protos.{name}": each for name, each in methods.items()}

    async def predict(self, call: Call, request: Any) -> Any:
        """The graph's answer."""
        return await self._predicting.predict(
            call,
            lambda: seldon_protobuf.message_from(request),
            lambda message, _: seldon_protobuf.to_message(message),
        )

    async def predict_unit(self, call: Call, request: Any) -> Any:
        """The graph's prediction; of a single unit that is no MODEL, its own method."""
        served = self._behind.state.served
        if served is None or served.plan.root.children or served.plan.single_model:
            return await self.predict(call, request)
        message = self._read(call, request)
        return self._written(call, await self._asked("predict", message))

    async def send_feedback(self, call: Call, request: Any) -> Any:
        """Counted and logged at once, then told to the units."""
        feedback = seldon_protobuf.feedback_from(request)
        dispatcher = self._behind.state.dispatching()
        call.puid = feedback.puid or call.puid
        self._behind.count_feedback(feedback, call.puid, call.headers)
        told: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()

        def done(error: BaseException | None) -> None:
            if not told.done():
                told.set_result(error)

        dispatcher.tell(feedback, done, call.headers)
        error = await told
        if error is not None:
            raise error
        answer = seldon_protobuf.SeldonMessage()
        answer.meta.puid = call.puid
        return answer

    async def transform_input(self, call: Call, request: Any) -> Any:
        """The unit's."""
        message = self._read(call, request)
        return self._written(call, await self._asked("transform_input", message))

    async def transform_output(self, call: Call, request: Any) -> Any:
        """The unit's."""
        message = self._read(call, request)
        return self._written(call, await self._asked("transform_output", message))

    async def route(self, call: Call, request: Any) -> Any:
        """The unit's branch, as a tensor of one number unless it makes a message of it itself."""
        message = self._read(call, request)
        branch = await self._asked("route", message)
        if not isinstance(branch, Message):
            branch = Message(content=np.array([[branch]]), form="tensor", meta=message.meta)
        return self._written(call, branch)

    async def aggregate(self, call: Call, request: Any) -> Any:
        """The unit's."""
        messages = seldon_protobuf.messages_from(request)
        call.puid = next((each.meta.puid for each in messages if each.meta.puid), call.puid)
        return self._written(call, await self._asked("aggregate", messages))

    async def named_metadata(self, call: Call, request: Any) -> Any:
        """Of the model with this name."""
        self._behind.state.check_model(request.name)
        return await self.model_metadata(call, request)

    async def model_metadata(self, _: Call, __: Any) -> Any:
        """Of what is served."""
        return parsed(descriptions.model(self._behind.state.serving()), _ModelMetadata())

    async def graph_metadata(self, _: Call, __: Any) -> Any:
        """Of the graph."""
        told = descriptions.graph(self._behind.state.serving())
        return parsed(
            {name.removeprefix("graph"): value for name, value in told.items()},
            _GraphMetadata(),
        )

    def _read(self, call: Call, request: Any) -> Message:
        message = seldon_protobuf.message_from(request, reported=True)
        call.puid = message.meta.puid or call.puid
        return replace(message, meta=replace(message.meta, puid=call.puid))

    def _written(self, call: Call, answer: Message) -> Any:
        served = self._behind.state.serving()
        return seldon_protobuf.to_message(self._behind.completed(answer, call.puid, served))

    async def _asked(self, verb: Verb, asked: Message | list[Message]) -> Any:
        call = unit_call(self._behind.state.serving(), verb, asked, self._bounds.timeout_seconds)
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def done(result: Any) -> None:
            if not waiting.done():
                waiting.set_result(result)

        # A client that went cancels this task and with it what waits.
        wanted = replace(call, wanted=lambda: not waiting.done())
        self._worker.ask(wanted, done, most=self._bounds.queue)
        result = await waiting
        if isinstance(result, BaseException):
            raise result
        return result
