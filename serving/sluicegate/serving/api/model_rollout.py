"""``ModelRollout`` as a value: one attempt to replace a SeldonDeployment's predictor by a candidate.

Three writers, three places: whoever submits writes ``target``, ``candidate``, ``model`` and ``plan`` once; the workflow
writes ``spec.desired`` and renews its lease there; the operator alone writes ``status``. Phase and ids are scalars,
because an Argo resource template can compare nothing else.
"""

from typing import Literal

from sluicegate.serving.api.metadata import GROUP, JSON, Condition, ObjectMeta, View
from sluicegate.serving.api.rollout_plan import RolloutPlan, SetHeaderRoute
from sluicegate.serving.api.seldon_deployment import PredictorSpec

API_VERSION = f"{GROUP}/v1alpha1"
KIND = "ModelRollout"

Phase = Literal[
    "Pending", "Queued", "Ready", "Progressing", "Promoting", "Baking", "Promoted", "Aborting", "RolledBack", "Refused"
]
TERMINAL_PHASES: frozenset[Phase] = frozenset({"Promoted", "RolledBack", "Refused"})
Intent = Literal["Progress", "Promote", "Complete", "Abort"]
"""What the workflow asks for: go on at ``weight``, make the candidate the target's own, end the bake, put all back."""


class RegisteredModel(View, frozen=True, kw_only=True):
    """The model version under rollout."""

    name: str
    version: str
    bundle_digest: str = ""


class Desired(View, frozen=True, kw_only=True):
    """What the workflow wants, under its epoch.

    The lease is granted for ``lease_seconds`` from the moment at which the operator first sees a new ``renewal``.
    """

    epoch: str = ""
    renewal: int = 0
    lease_seconds: float = 30.0
    step: int = 0
    weight: int = 0
    mirror: int = 0
    header_route: SetHeaderRoute | None = None
    intent: Intent = "Progress"
    reason: str = ""
    message: str = ""
    evidence: str = ""


class ModelRolloutSpec(View, frozen=True, kw_only=True):
    """What is asked for."""

    target: str = ""
    candidate: PredictorSpec = PredictorSpec()
    model: RegisteredModel | None = None
    plan: RolloutPlan = RolloutPlan()
    concurrency: Literal["refuse", "queue", "supersede"] = "refuse"
    retry_refused: bool = False
    paused: bool = False
    expected_disagreement: float | None = None
    """Share of answers that flipped between the two bundles on held-out data; unknown, flips decide nothing."""
    desired: Desired = Desired()


class ModelRolloutStatus(View, frozen=True, kw_only=True):
    """What is so. ``traffic`` is percent by predictor as the gateway acknowledged it; ``stable_predictor`` is the spec
    that traffic goes back to; ``reason`` is CamelCase (``HarmProven``, ``LeaseExpired``, ``Superseded``, …).
    """

    phase: Phase = "Pending"
    rollout_id: str = ""
    epoch: str = ""
    step: int = 0
    stable: str = ""
    candidate: str = ""
    stable_predictor: JSON = {}
    stable_model: RegisteredModel | None = None
    traffic: dict[str, int] = {}
    mirror: dict[str, int] = {}
    reason: str = ""
    message: str = ""
    evidence: str = ""
    started_at: str = ""
    promoted_at: str = ""
    ended_at: str = ""
    lease_renewal: int = -1
    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()


class ModelRollout(View, frozen=True, kw_only=True):
    """The whole object."""

    api_version: str = API_VERSION
    kind: str = KIND
    metadata: ObjectMeta = ObjectMeta()
    spec: ModelRolloutSpec = ModelRolloutSpec()
    status: ModelRolloutStatus = ModelRolloutStatus()
