"""What every object of the API carries: metadata, conditions, and the base of all typed views.

Objects travel and are stored as plain JSON dictionaries; the structs here are typed *views* of them, read with
``decoding.decode``. Unknown fields are kept by the store and ignored by the views, so a newer client loses nothing.
"""

from typing import Any, Literal

import msgspec

JSON = dict[str, Any]
ConditionStatus = Literal["True", "False", "Unknown"]

GROUP = "sluicegate.dev"
MODEL_ANNOTATION = f"{GROUP}/model"
"""On a predictor: the registered model that it serves."""
VERSION_ANNOTATION = f"{GROUP}/version"
"""On a predictor: the registered model's version, a string of digits."""
DIGEST_ANNOTATION = f"{GROUP}/bundle-digest"
"""On a predictor: ``sha256:…`` of the bundle's ``bundle.json``; the server refuses any other bundle."""
STICKY_ANNOTATION = f"{GROUP}/sticky-header"
"""On a SeldonDeployment: the request header whose hash chooses the predictor."""
WORKFLOW_ANNOTATION = f"{GROUP}/workflow"
"""On a ModelRollout: namespace/name/uid of the Argo Workflow in the same cluster that drives it."""
PAUSED_ANNOTATION = f"{GROUP}/paused-because"
"""On a ModelRollout: why it waits for a person, in the words of whoever paused it."""


class View(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of the typed views: frozen, camelCase on the wire, defaults left out when written."""


class OwnerReference(View, frozen=True, kw_only=True):
    """Who made this object and is to be followed when it goes."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class ObjectMeta(View, frozen=True, kw_only=True):
    """Kubernetes' ``metadata``, as far as we read it."""

    name: str = ""
    namespace: str = "default"
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    finalizers: tuple[str, ...] = ()
    owner_references: tuple[OwnerReference, ...] = ()


class Condition(View, frozen=True, kw_only=True):
    """One observed fact about an object, with the reason in CamelCase and a sentence for a person."""

    type: str
    status: ConditionStatus
    reason: str = ""
    message: str = ""
    last_transition_time: str = ""
    observed_generation: int = 0
