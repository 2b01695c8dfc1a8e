"""Kinds of requests below a deployment's prefix, for gateways that choose by prefix and method.

Only what is known to be a prediction or a read may be tried again, and only predictions are copied; feedback and
whatever else comes is sent once. The most specific rule wins in the Gateway API, the first one in Istio: the order
here suits both. gRPC has the same kinds by method.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Requests with ``method`` (any, when empty) below ``/seldon/<namespace>/<name>/<path>``."""

    name: str
    path: str = ""
    method: str = ""
    retried: bool = False
    mirrored: bool = False


KINDS = (
    Kind(name="predictions", path="api/v1.0/predictions", method="POST", retried=True, mirrored=True),
    Kind(name="predictions-v0", path="api/v0.1/predictions", method="POST", retried=True, mirrored=True),
    Kind(name="infer", path="v2/models", method="POST", retried=True, mirrored=True),
    Kind(name="predict", path="v1/models", method="POST", retried=True, mirrored=True),
    Kind(name="reads", method="GET", retried=True),
    Kind(name="others"),
)

GRPC_PREDICTIONS = (
    ("seldon.protos.Seldon", "Predict"),
    ("inference.GRPCInferenceService", "ModelInfer"),
    ("tensorflow.serving.PredictionService", "Predict"),
)
"""Service and method of predictions; SendFeedback and all else are sent once."""

GRPC_READS = (
    ("seldon.protos.Seldon", "ModelMetadata"),
    ("seldon.protos.Seldon", "GraphMetadata"),
    *(("inference.GRPCInferenceService", f"Server{what}") for what in ("Live", "Ready", "Metadata")),
    *(("inference.GRPCInferenceService", f"Model{what}") for what in ("Ready", "Metadata")),
    ("tensorflow.serving.PredictionService", "GetModelMetadata"),
    ("tensorflow.serving.ModelService", "GetModelStatus"),
)
"""What may be asked again, too, where a gateway has a rule for it."""


def prefix_of(namespace: str, name: str) -> str:
    """Where a deployment is served, without a slash at the end."""
    return f"/seldon/{namespace}/{name}"
