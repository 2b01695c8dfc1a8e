"""Where the demonstration's bundles lie: in the bucket of Argo's artefacts, which a pipeline needs anyway."""

import base64
from dataclasses import dataclass

import yaml

from demo.cluster.kubectl import Kubectl
from demo.ground import JSON, ClaimFailedError

CONTROLLER = "workflow-controller-configmap"
_REMEDY = "the demonstration needs Argo Workflows with an artefact repository in S3 (`artifactRepository.s3`)"


@dataclass(frozen=True, slots=True)
class Storage:
    """A bucket, how it is reached, and Argo's Secret with its credentials."""

    bucket: str
    environment: dict[str, str]
    """Variables of S3's clients."""
    secret: JSON
    """As Argo wants it in each namespace with workflows."""


def storage_of(kubectl: Kubectl) -> Storage:
    """That of the cluster's Argo. Raises ClaimFailedError with what to do when there is none."""
    found = kubectl.json("get", "configmaps", "-A", "--field-selector", f"metadata.name={CONTROLLER}")["items"]
    if not found:
        raise ClaimFailedError(f"no ConfigMap {CONTROLLER}: {_REMEDY}")
    home = found[0]["metadata"]["namespace"]
    kept = (yaml.safe_load((found[0].get("data") or {}).get("artifactRepository") or "{}") or {}).get("s3")
    if not kept or "accessKeySecret" not in kept:
        raise ClaimFailedError(f"{home}/{CONTROLLER} names no S3 with a Secret: {_REMEDY}")
    secret = _secret(kubectl, kept["accessKeySecret"]["name"])
    scheme = "http" if kept.get("insecure") else "https"
    environment = {
        "AWS_ENDPOINT_URL": f"{scheme}://{kept['endpoint']}",
        "AWS_ACCESS_KEY_ID": _value(secret, kept["accessKeySecret"]["key"]),
        "AWS_SECRET_ACCESS_KEY": _value(secret, kept["secretKeySecret"]["key"]),
        "AWS_REGION": kept.get("region") or "us-east-1",
    }
    copied = {"metadata": {"name": secret["metadata"]["name"]}, "data": secret["data"]}
    return Storage(kept["bucket"], environment, copied)


def _secret(kubectl: Kubectl, name: str) -> JSON:
    found = kubectl.json("get", "secrets", "-A", "--field-selector", f"metadata.name={name}")["items"]
    if not found:
        raise ClaimFailedError(f"no Secret {name} in any namespace, which Argo's artefact repository names")
    return dict(found[0])


def _value(secret: JSON, key: str) -> str:
    return base64.b64decode(secret["data"][key]).decode()
