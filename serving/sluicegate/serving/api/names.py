"""How things are named: what a name may look like, and the names that we derive.

Derived names are functions of what they name, so that a restarted operator finds what the former one started.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from sluicegate.serving.api.seldon_deployment import PredictorSpec

LABEL_RULE = "a DNS-1123 label: at most 63 lower-case letters, digits or '-', a letter or digit at both ends"
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def is_dns_label(name: str) -> bool:
    """Whether Kubernetes takes this as the name of a Service or a container."""
    return _LABEL.fullmatch(name) is not None


def is_digest(text: str) -> bool:
    """Whether this is ``sha256:`` and 64 hexadecimal digits."""
    return _DIGEST.fullmatch(text) is not None


def short_hash(value: Any) -> str:
    """Ten hexadecimal digits that differ when the JSON value does."""
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()[:10]


def revision_of(predictor: PredictorSpec, protocol: str = "", shared: Mapping[str, str] | None = None) -> str:
    """Hash of all that needs new servers when it changes; traffic, role, replica and autoscaler counts do not.

    ``shared`` is what the servers of all predictors take from their deployment.
    """
    pods = [[component.metadata, component.spec] for component in predictor.component_specs]
    orchestrator = [predictor.svc_orch_spec.env, predictor.svc_orch_spec.resources, predictor.engine_resources]
    said = [predictor.graph, pods, predictor.annotations, predictor.labels, orchestrator, predictor.ssl, protocol]
    # Without any the hash is that of earlier releases, and nobody's servers are restarted for it.
    return short_hash([*said, shared] if shared else said)


def candidate_name(version: str, predictor: PredictorSpec) -> str:
    """A rollout's predictor: version and a hash of its spec, so that another image of one version has another name."""
    return f"v{version}-{revision_of(predictor)[:6]}"


def workload_name(deployment: str, predictor: str) -> str:
    """A predictor's servers. The dot keeps ``a-b`` of ``c`` apart from ``b-c`` of ``a``: labels hold none."""
    return f"{deployment}.{predictor}"
