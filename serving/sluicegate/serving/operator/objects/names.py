"""How a predictor's objects are called: as Seldon Core's operator calls them, so that what it made is adopted.

Used by rendering, and by whoever looks for a predictor's Deployments, Service and pods.
"""

import hashlib
import re

from sluicegate.serving.api.validation import SERVICE_NAME_ANNOTATION
from sluicegate.serving.operator.objects.layout import Layout, Pod

_SERVICE = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
DEPLOYMENT_LABEL = "seldon-deployment-id"
APP_LABEL = "app"
ENTRY_LABEL = "seldon-app"
"""On pods that answer a predictor's requests, with the name of its Service."""
PREDICTOR_LABEL = "sluicegate.dev/predictor"
REVISION_ANNOTATION = "sluicegate.dev/revision"


def short(name: str) -> str:
    """The name, or ``seldon-`` and its MD5 when Kubernetes would not bear its length."""
    return name if len(name) <= 63 else _hashed(name)


def service_name(layout: Layout) -> str:
    """The predictor's Service."""
    named = layout.predictor.annotations.get(SERVICE_NAME_ANNOTATION)
    return named or as_service(f"{layout.deployment.metadata.name}-{layout.predictor.name}")


def container_service_name(layout: Layout, container: str) -> str:
    """The Service of one container of the predictor."""
    return as_service(f"{layout.deployment.metadata.name}-{layout.predictor.name}-{container}")


def explainer_name(layout: Layout) -> str:
    """The explainer's Deployment and Service."""
    return as_service(f"{layout.deployment.metadata.name}-{layout.predictor.name}-explainer")


def engine_deployment_name(layout: Layout) -> str:
    """The Deployment of an engine with pods of its own."""
    return short(f"{layout.deployment.metadata.name}-{layout.predictor.name}-svc-orch")


def deployment_name(layout: Layout, pod: Pod) -> str:
    """The Deployment of one componentSpec: by its metadata's name, or else its containers'."""
    last = str(pod.component.metadata.get("name") or "") or "-".join(pod.named)
    return short("-".join((layout.deployment.metadata.name, layout.predictor.name, str(pod.index), last)))


def deployment_names(layout: Layout) -> tuple[str, ...]:
    """All Deployments whose pods serve the predictor, the explainer's left out."""
    components = tuple(deployment_name(layout, pod) for pod in layout.pods)
    return (*components, engine_deployment_name(layout)) if layout.separate_engine else components


def container_label(container: str) -> str:
    """Label by which the Service of a container finds its pods."""
    label = f"seldon-app-svc-{container}"
    return label if len(label) <= 63 else f"seldon-app-svc-{_digest(container)}"


def entry_selector(layout: Layout) -> dict[str, str]:
    """Labels of the pods that answer the predictor's requests, and of no others."""
    return {ENTRY_LABEL: service_name(layout)}


def as_service(name: str) -> str:
    """A name that a Service may have: it starts with a letter, which a deployment's name need not."""
    return name if _SERVICE.fullmatch(name) else _hashed(name)


def _hashed(name: str) -> str:
    return f"seldon-{_digest(name)}"


def _digest(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
