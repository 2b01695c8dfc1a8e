"""What is measured: the model, how many ask at once, who takes part, and against whom the ratio is.

The first contestant is ours. ``against`` is the peer that the ratio is taken of; the table names the best one, too.
"""

from dataclasses import dataclass
from typing import Literal

from benchmarks.peers.contestants import (
    BENTOML,
    FUSED,
    KSERVE,
    KSERVE_GRAPH,
    LITSERVE,
    MLFLOW_SERVER,
    MLSERVER,
    MLSERVER_BATCHING,
    ONNX,
    OWN_PREDICT,
    SLUICEGATE,
    UNBATCHED,
    WRAPPER,
    Contestant,
)

Kind = Literal["rest", "grpc", "start", "memory", "p99"]
"""Requests a second over REST or gRPC; seconds to the first answer; memory when idle; the 99th percentile."""
LESS_IS_BETTER: frozenset[Kind] = frozenset({"start", "memory", "p99"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One line, or one for each of ``clients``."""

    name: str
    title: str
    kind: Kind = "rest"
    model: str = "lr"
    clients: tuple[int, ...] = (1,)
    ours: tuple[Contestant, ...]
    peers: tuple[Contestant, ...]
    against: Contestant


_ALL = (KSERVE, MLSERVER, MLFLOW_SERVER, BENTOML, LITSERVE, WRAPPER)
WORKLOADS = (
    Workload(
        name="row",
        title="REST, logistic regression, 1 row of 4",
        clients=(1, 8, 64),
        ours=(SLUICEGATE, OWN_PREDICT),
        peers=_ALL,
        against=KSERVE,
    ),
    Workload(
        name="forest",
        title="REST, forest of 100 trees, 1 row",
        model="forest",
        clients=(64,),
        ours=(SLUICEGATE, ONNX),
        peers=(MLSERVER_BATCHING, KSERVE),
        against=MLSERVER_BATCHING,
    ),
    Workload(
        name="wide",
        title="REST, 1000 rows of 100",
        model="wide",
        clients=(1,),
        ours=(SLUICEGATE,),
        peers=(KSERVE, MLSERVER),
        against=KSERVE,
    ),
    Workload(
        name="grpc",
        title="gRPC, Open Inference, 1 row of 4",
        kind="grpc",
        clients=(8, 64),
        ours=(SLUICEGATE,),
        peers=(KSERVE, MLSERVER),
        against=KSERVE,
    ),
    Workload(
        name="graph",
        title="transformer → model → transformer",
        clients=(1, 8),
        ours=(FUSED,),
        peers=(KSERVE_GRAPH,),
        against=KSERVE_GRAPH,
    ),
    Workload(
        name="p99",
        title="99th percentile, requests that share calls or do not",
        kind="p99",
        clients=(8,),
        ours=(OWN_PREDICT,),
        peers=(UNBATCHED,),
        against=UNBATCHED,
    ),
    Workload(
        name="start",
        title="from start to the first answer",
        kind="start",
        ours=(SLUICEGATE, ONNX),
        peers=(KSERVE,),
        against=KSERVE,
    ),
    Workload(
        name="memory",
        title="memory when idle",
        kind="memory",
        ours=(SLUICEGATE, ONNX),
        peers=_ALL,
        against=KSERVE,
    ),
)
