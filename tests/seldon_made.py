"""Objects as Seldon Core 1.17.1's operator makes them, written by hand after what is known of it.

Names, labels, selectors, ports, probes and the engine's variable are its own; images are whatever a test gives, so that
they can run where Seldon's cannot be had.
"""

import base64
import json
from typing import Any

JSON = dict[str, Any]
MANAGER = "manager"
"""As what its operator writes."""
ENGINE = "seldon-container-engine"
_PODINFO = {
    "name": "seldon-podinfo",
    "downwardAPI": {
        "items": [{"path": "annotations", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.annotations"}}],
        "defaultMode": 420,
    },
}


def owner_of(sdep: JSON) -> list[JSON]:
    """As its objects name the SeldonDeployment; ``metadata`` has its uid."""
    meta = sdep["metadata"]
    return [
        {
            "apiVersion": "machinelearning.seldon.io/v1",
            "kind": "SeldonDeployment",
            "name": meta["name"],
            "uid": meta["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def labels_of(sdep: JSON, predictor: JSON) -> JSON:
    """What all objects of a predictor bear."""
    name, unit = f"{sdep['metadata']['name']}-{predictor['name']}", predictor["graph"]["name"]
    return {
        "app.kubernetes.io/managed-by": "seldon-core",
        "seldon-app": name,
        f"seldon-app-svc-{unit}": f"{name}-{unit}",
        "seldon-deployment-id": sdep["metadata"]["name"],
        "seldon.io/model": "true",
        "version": predictor["name"],
        "fluentd": "true",
    }


def deployment(sdep: JSON, container: JSON, *, engine: JSON | None, initializer: JSON | None, replicas: int) -> JSON:
    """The Deployment of the first predictor's only unit."""
    (predictor, *_) = sdep["spec"]["predictors"]
    name = f"{sdep['metadata']['name']}-{predictor['name']}-0-{predictor['graph']['name']}"
    labels = {**labels_of(sdep, predictor), "app": name}
    probe = {"tcpSocket": {"port": "http"}, "periodSeconds": 5, "failureThreshold": 3}
    own = {
        "imagePullPolicy": "IfNotPresent",
        "livenessProbe": {**probe, "initialDelaySeconds": 60},
        "readinessProbe": {**probe, "initialDelaySeconds": 1},
        "lifecycle": {"preStop": {"exec": {"command": ["/bin/sh", "-c", "/bin/sleep 10"]}}},
        "ports": [_port("http", 9000), _port("grpc", 9500), _port("metrics", 6000)],
        **container,
    }
    boxes = [own, _engine(engine, predictor)] if engine else [own]
    spec: JSON = {"terminationGracePeriodSeconds": 20, "containers": boxes, "volumes": [_PODINFO]}
    if initializer:
        spec["volumes"].append({"name": f"{own['name']}-provision-location", "emptyDir": {}})
        mount = {"name": f"{own['name']}-provision-location", "mountPath": "/mnt/models"}
        spec["initContainers"] = [{"name": f"{own['name']}-model-initializer", "volumeMounts": [mount], **initializer}]
        for box in boxes:
            box["volumeMounts"] = [*box.get("volumeMounts", []), {**mount, "readOnly": True}]
    scraped = {"prometheus.io/path": "/prometheus", "prometheus.io/scrape": "true"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels, "ownerReferences": owner_of(sdep)},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"seldon-deployment-id": sdep["metadata"]["name"], "app": name}},
            "strategy": {"rollingUpdate": {"maxUnavailable": "10%"}, "type": "RollingUpdate"},
            "template": {"metadata": {"labels": labels, "annotations": scraped}, "spec": spec},
        },
    }


def _engine(engine: JSON, predictor: JSON) -> JSON:
    told = base64.b64encode(json.dumps(predictor).encode()).decode()
    return {
        "name": ENGINE,
        "ports": [_port("http", 8000), _port("grpc", 5001)],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5, "timeoutSeconds": 60},
        "resources": {"requests": {"cpu": "50m", "memory": "100Mi"}},
        **engine,
        "env": [{"name": "ENGINE_PREDICTOR", "value": told}, *engine.get("env", [])],
    }


def _port(name: str, number: int) -> JSON:
    return {"name": name, "containerPort": number, "protocol": "TCP"}


def services(sdep: JSON, *, engine: bool) -> list[JSON]:
    """Of the first predictor, and of its container."""
    (predictor, *_) = sdep["spec"]["predictors"]
    name, unit = f"{sdep['metadata']['name']}-{predictor['name']}", predictor["graph"]["name"]
    entry = (8000, 5001) if engine else (9000, 9500)
    return [
        _service(sdep, predictor, name, {"seldon-app": name}, ((8000, entry[0]), (5001, entry[1]))),
        _service(
            sdep,
            predictor,
            f"{name}-{unit}",
            {f"seldon-app-svc-{unit}": f"{name}-{unit}"},
            ((9000, 9000), (9500, 9500)),
        ),
    ]


def _service(sdep: JSON, predictor: JSON, name: str, selector: JSON, ports: tuple[tuple[int, int], ...]) -> JSON:
    named = zip(("http", "grpc"), ports, strict=True)
    routes = {"getambassador.io/config": f"---\napiVersion: ambassador/v1\nkind: Mapping\nname: {name}\n"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "labels": labels_of(sdep, predictor),
            "annotations": routes if "seldon-app" in selector else {},
            "ownerReferences": owner_of(sdep),
        },
        "spec": {
            "type": "ClusterIP",
            "selector": selector,
            "ports": [
                {"name": name, "port": number, "targetPort": target, "protocol": "TCP"}
                for name, (number, target) in named
            ],
        },
    }
