"""All gRPC services of a server, put together; for ``app``."""

from sluicegate.serving.server.dispatching import Bounds
from sluicegate.serving.server.following import Following
from sluicegate.serving.server.grpc_door import GrpcDoor, GrpcLimits, Services
from sluicegate.serving.server.grpc_inference import InferenceService
from sluicegate.serving.server.grpc_seldon import SeldonServices
from sluicegate.serving.server.grpc_tensorflow import TensorflowServices
from sluicegate.serving.server.predictions import Behind
from sluicegate.serving.server.settings import Settings
from sluicegate.serving.server.tls import Certificates, grpc_credentials
from sluicegate.serving.server.unit_thread import UnitThread

_MORE = 64
"""Calls beside those that may wait for the model: health, metadata, reflection."""


def grpc_door(
    behind: Behind,
    worker: UnitThread,
    settings: Settings,
    certificates: Certificates | None,
    following: Following | None = None,
) -> GrpcDoor | None:
    """The door; None if there is to be none."""
    if not settings.grpc_port:
        return None
    bounds = Bounds(queue=settings.queue, timeout_seconds=settings.request_timeout_seconds)
    services: Services = {
        **SeldonServices(behind, worker, bounds).services(),
        **InferenceService(behind).services(),
        **TensorflowServices(behind).services(),
    }
    if following is not None:
        services = following.grpc(services)
    limits = GrpcLimits(
        message_bytes=settings.max_message_bytes,
        calls=settings.queue + _MORE,
        receive_seconds=settings.receive_seconds,
        shared=settings.workers > 1,
    )
    return GrpcDoor(behind, services, limits, grpc_credentials(certificates) if certificates else None)
