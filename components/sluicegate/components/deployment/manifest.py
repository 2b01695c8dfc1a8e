"""A first release as a ``SeldonDeployment``: one predictor, all of the traffic, and annotations that say what it is."""

from dataclasses import dataclass

from sluicegate.serving.api.metadata import DIGEST_ANNOTATION, JSON, MODEL_ANNOTATION, VERSION_ANNOTATION
from sluicegate.serving.api.seldon_deployment import API_VERSION, KIND
from sluicegate.serving.bundle.reading import Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What to serve, and under which name."""

    deployment: str
    namespace: str
    replicas: int
    bundle: Bundle
    uri: str
    """The bundle's address, as its servers are told it."""
    secret: str = ""
    """The Secret with which they fetch it; the operator's default one when empty."""


def deployment_of(release: Release) -> JSON:
    """The whole object, as it is sent to the API."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": release.deployment, "namespace": release.namespace},
        "spec": {"name": release.deployment, "predictors": [predictor_of(release)]},
    }


def predictor_of(release: Release) -> JSON:
    """The predictor of a bundle; its name holds the version and a piece of the digest, so no two bundles share it."""
    bundle = release.bundle
    return {
        "name": f"v{bundle.manifest.version}-{bundle.digest.removeprefix('sha256:')[:8]}",
        "replicas": release.replicas,
        "traffic": 100,
        "annotations": {
            MODEL_ANNOTATION: bundle.manifest.name,
            VERSION_ANNOTATION: bundle.manifest.version,
            DIGEST_ANNOTATION: bundle.digest,
        },
        "graph": {
            "name": "model",
            "type": "MODEL",
            "implementation": bundle.manifest.implementation,
            "modelUri": release.uri,
            **({"envSecretRefName": release.secret} if release.secret else {}),
        },
    }


def served_digests(found: JSON) -> list[str]:
    """Bundle digests of a deployment's own predictors, shadows left out; an unmarked predictor counts as ``""``."""
    predictors = found.get("spec", {}).get("predictors", [])
    return [p.get("annotations", {}).get(DIGEST_ANNOTATION, "") for p in predictors if not p.get("shadow")]
