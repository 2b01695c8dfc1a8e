"""From settings to a graph that answers."""

import json

import numpy as np

from sluicegate.serving.graph.execution import FusedGraph
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.server.metrics import Metrics
from sluicegate.serving.server.settings import read_settings
from sluicegate.serving.server.starting import serve_graph
from sluicegate.serving.server.unit_thread import UnitThread


def test_every_unit_of_the_process_is_on_the_path_of_a_request() -> None:
    children = [{"name": name, "implementation": "SIMPLE_MODEL"} for name in ("one", "two")]
    graph = {"name": "mean", "implementation": "AVERAGE_COMBINER", "children": children}
    predictor = json.dumps({"name": "p", "graph": graph})
    told = {"ENGINE_PREDICTOR": predictor, "PREDICTIVE_UNIT_ID": "mean", "PREDICTIVE_UNIT_IMAGE": "server:1"}

    served = serve_graph(read_settings((), told), UnitThread(), Metrics(identity=(), unit=()))

    assert isinstance(served.graph, FusedGraph)
    answer = served.graph.answer(Message(content=np.zeros((1, 2))))
    assert answer.meta.request_path == dict.fromkeys(("mean", "one", "two"), "server:1")
