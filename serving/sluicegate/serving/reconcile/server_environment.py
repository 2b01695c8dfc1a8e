"""What a model server is told by its environment, whoever starts it: a process of the supervisor or a container.

The names are Seldon's where it has one; ``serving/server/settings.py`` reads them.
"""

import json

from sluicegate.serving.api.defaults import OURS, TIMEOUT, digest_bearer, model_of
from sluicegate.serving.api.graph_rules import units_of
from sluicegate.serving.api.seldon_deployment import LEARNING_ROUTERS, PredictiveUnit, PredictorSpec
from sluicegate.serving.reconcile.workloads import Workload

EVENTS_PATH = "/events"
"""Where our collector takes the request log."""
THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""One thread for numeric libraries unless the deployment says otherwise: boosted trees on two busy cores answer one row
in 0.4 ms with one thread and in 34 ms with two."""


def parameters_of(unit: PredictiveUnit, kept: frozenset[str] = frozenset()) -> str:
    """A unit's parameters as a server reads them; of those that are not its code's, the ``kept`` ones."""
    stated = (each for each in unit.parameters if each.name not in OURS - kept)
    return json.dumps([{"name": each.name, "value": each.value, "type": each.type} for each in stated])


def router_home_of(predictor: PredictorSpec, log_url: str) -> str:
    """Where the predictor's routers keep what they learn: with our collector, if the request log goes to one.

    Empty where no unit learns, so that no other server is started anew for it.
    """
    learns = any(unit.implementation in LEARNING_ROUTERS for _, unit in units_of(predictor.graph, ""))
    return log_url.removesuffix(EVENTS_PATH) if learns and log_url.endswith(EVENTS_PATH) else ""


def server_environment(workload: Workload, unit: PredictiveUnit) -> dict[str, str]:
    """Variables of the server that runs ``unit``."""
    model = model_of(workload.predictor)
    return {
        **THREADS,
        "PREDICTIVE_UNIT_ID": unit.name,
        "PREDICTIVE_UNIT_PARAMETERS": parameters_of(unit, frozenset({TIMEOUT})),
        "SELDON_DEPLOYMENT_ID": workload.deployment,
        "PREDICTOR_ID": workload.predictor.name,
        "SLUICEGATE_NAMESPACE": workload.namespace,
        "SLUICEGATE_MODEL_NAME": model.name if model else "",
        "SLUICEGATE_MODEL_VERSION": model.version if model else "",
        **({"SLUICEGATE_ALLOW_UNVERIFIED": "true"} if _bare(workload.predictor) else {}),
    }


def _bare(predictor: PredictorSpec) -> bool:
    """Whether a unit's model is told without a digest, as Seldon's users do it: it is served, but never "verified"."""
    model, bearer = model_of(predictor), digest_bearer(predictor.graph)
    proven = bearer if model and model.bundle_digest else ""
    return any(unit.model_uri and unit.name != proven for _, unit in units_of(predictor.graph, "graph"))
