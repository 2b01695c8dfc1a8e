"""All gRPC services of a server, put together; for ``app``."""

from sluicegate.serving.server.dispatching import Bounds
from sluicegate.serving.server.grpc_door import GrpcDoor, GrpcLimits
from sluicegate.serving.server.grpc_inference import InferenceService
from sluicegate.serving.server.grpc_seldon import SeldonServices
from sluicegate.serving.server.grpc_tensorflow import TensorflowServices
from sluicegate.serving.server.predictions import Behind
from sluicegate.serving.server.settings import Settings
from sluicegate.serving.server.unit_thread import UnitThread

_MORE = 64
"""Calls beside those that may wait for the model: health, metadata, reflection."""


async def open_grpc(behind: Behind, worker: UnitThread, settings: Settings) -> GrpcDoor | None:
    """The door, listening; None if there is to be none. Raises OSError."""
    if not settings.grpc_port:
        return None
    bounds = Bounds(queue=settings.queue, timeout_seconds=settings.request_timeout_seconds)
    services = {
        **SeldonServices(behind, worker, bounds).services(),
        **InferenceService(behind).services(),
        **TensorflowServices(behind).services(),
    }
    limits = GrpcLimits(message_bytes=settings.max_message_bytes, calls=settings.queue + _MORE)
    door = GrpcDoor(behind, services, limits)
    await door.start(settings.host, settings.grpc_port)
    return door
