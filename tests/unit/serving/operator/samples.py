"""SeldonDeployments as people write them: rendered by the tests of this folder, applied by those on the cluster."""

from typing import Any

from sluicegate.serving.api import seldon_deployment
from sluicegate.serving.api.metadata import JSON

SKLEARN: JSON = {"name": "classifier", "implementation": "SKLEARN_SERVER", "modelUri": "s3://models/iris"}
IMAGE = "registry.example/team/model:1"
HPA_V2BETA1: JSON = {
    "minReplicas": 2,
    "maxReplicas": 4,
    "metrics": [
        {"type": "Resource", "resource": {"name": "cpu", "targetAverageUtilization": 70}},
        {"type": "Pods", "pods": {"metricName": "rows", "targetAverageValue": "1000m"}},
        {
            "type": "Object",
            "object": {
                "target": {"apiVersion": "v1", "kind": "Service", "name": "queue"},
                "metricName": "depth",
                "targetValue": "5000m",
            },
        },
        {"type": "External", "external": {"metricName": "lag", "targetValue": 10}},
    ],
}
HPA_V2: JSON = {
    "maxReplicas": 3,
    "metricsv2": [
        {
            "type": "Resource",
            "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1024Mi"}},
        }
    ],
    "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}},
}
KEDA: JSON = {
    "minReplicaCount": 1,
    "idleReplicaCount": 0,
    "maxReplicaCount": 5,
    "triggers": [{"type": "cpu", "metadata": {"value": "50"}}],
}


def container(name: str, **fields: Any) -> JSON:
    """A container of the user's."""
    return {"name": name, "image": IMAGE, **fields}


def component(*containers: JSON, pod: JSON | None = None, **fields: Any) -> JSON:
    """A componentSpec with these containers."""
    return {"spec": {"containers": list(containers), **(pod or {})}, **fields}


def predictor(graph: JSON | None = None, *components: JSON, **fields: Any) -> JSON:
    """A predictor called ``default``, of a scikit-learn server unless told otherwise."""
    return {"name": "default", "graph": graph or SKLEARN, "componentSpecs": list(components), **fields}


def deployment(*predictors: JSON, name: str = "iris", **spec: Any) -> JSON:
    """A SeldonDeployment."""
    return {
        "apiVersion": seldon_deployment.API_VERSION,
        "kind": seldon_deployment.KIND,
        "metadata": {"name": name, "namespace": "default", "uid": "11111111-2222-3333-4444-555555555555"},
        "spec": {"predictors": list(predictors), **spec},
    }


def graph(name: str, kind: str = "MODEL", *children: JSON, **fields: Any) -> JSON:
    """A unit that a container of its name runs."""
    return {"name": name, "type": kind, "children": list(children), **fields}


SAMPLES: dict[str, JSON] = {
    "prepackaged server": deployment(predictor()),
    "class of the user": deployment(
        predictor(
            {"name": "model", "modelUri": "s3://bundles/7"}, annotations={"sluicegate.dev/python-class": "team.Model"}
        )
    ),
    "registered bundle": deployment(
        predictor(
            annotations={
                "sluicegate.dev/model": "flights",
                "sluicegate.dev/version": "7",
                "sluicegate.dev/bundle-digest": "sha256:" + "a" * 64,
            }
        )
    ),
    "container of the user": deployment(predictor(graph("own"), component(container("own")))),
    "quantities and a sidecar": deployment(
        predictor(
            None,
            component(
                container(
                    "classifier",
                    image="",
                    resources={"requests": {"cpu": "1000m", "memory": "1024Mi"}, "limits": {"cpu": 2, "memory": "2Gi"}},
                    env=[{"name": "EMPTY", "value": ""}, {"name": "OMP_NUM_THREADS", "value": "2"}],
                ),
                container("sidecar", ports=[{"containerPort": 9000}]),
                pod={
                    "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1024Mi"}}],
                    "tolerations": [{"key": "gpu", "operator": "Exists"}],
                    "automountServiceAccountToken": False,
                },
                metadata={"labels": {"team": "a"}, "annotations": {"note": "b"}},
            ),
        )
    ),
    "chain in one pod": deployment(
        predictor(graph("clean", "TRANSFORMER", graph("predict")), component(container("clean"), container("predict")))
    ),
    "graph in two pods, engine apart": deployment(
        predictor(
            graph("choose", "ROUTER", graph("one"), graph("two")),
            component(container("choose"), container("one")),
            component(container("two"), metadata={"name": "second"}, replicas=2),
            svcOrchSpec={"replicas": 3, "env": [{"name": "SELDON_LOG_LEVEL", "value": "DEBUG"}]},
        ),
        annotations={"seldon.io/engine-separate-pod": "true", "seldon.io/engine-log-level": "INFO"},
    ),
    "combiner of prepackaged servers": deployment(
        predictor(
            graph("both", "COMBINER", {**SKLEARN, "name": "a"}, {**SKLEARN, "name": "b"}), component(container("both"))
        )
    ),
    "built-in graph without pods": deployment(predictor({"name": "simple", "implementation": "SIMPLE_MODEL"})),
    "hpa of old": deployment(predictor(None, component(hpaSpec=HPA_V2BETA1))),
    "hpa and budget": deployment(predictor(None, component(hpaSpec=HPA_V2, pdbSpec={"maxUnavailable": "50%"}))),
    "claim": deployment(predictor({**SKLEARN, "modelUri": "pvc://models/iris/3"})),
    "server fetches by itself": deployment(
        predictor({**SKLEARN, "envSecretRefName": "s3"}, annotations={"seldon.io/no-storage-initializer": "true"})
    ),
    "headless and renamed": deployment(
        predictor(annotations={"seldon.io/svc-name": "flowers", "seldon.io/headless-svc": "true"})
    ),
    "long names": deployment(predictor(name="p" * 40), name="d" * 50),
    "name that starts with a digit": deployment(predictor(), name="1st"),
    "explainer": deployment(
        predictor(
            explainer={
                "type": "AnchorTabular",
                "modelUri": "s3://models/explainer",
                "containerSpec": {"image": "seldonio/alibiexplainer:1.17.1"},
                "config": {"threshold": "0.9"},
            }
        )
    ),
    "certificate, initialiser of kfserving": deployment(
        predictor(
            {**SKLEARN, "storageInitializerImage": "kfserving/storage-initializer:v0.6.1", "envSecretRefName": "s3"},
            ssl={"certSecretName": "iris-tls"},
            progressDeadlineSeconds=120,
        )
    ),
    "mlserver": deployment(
        predictor(
            {**SKLEARN, "parameters": [{"name": "method", "type": "STRING", "value": "predict"}]},
            component(container("classifier", image="seldonio/mlserver:1.3.5-sklearn")),
        ),
        protocol="v2",
    ),
    "main and shadow": deployment(
        predictor(traffic=100), predictor(name="shadow", shadow=True, traffic=50), replicas=2
    ),
}
