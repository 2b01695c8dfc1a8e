"""Our two kinds: their names, versions, subresources and printer columns. One source for both APIs.

The CustomResourceDefinitions are made from these values, and so are the kinds of the embedded API, so that
``kubectl get`` shows the same columns in both.
"""

from dataclasses import dataclass
from typing import Literal

from sluicegate.serving.api import model_rollout, seldon_deployment
from sluicegate.serving.api.metadata import GROUP, View

ColumnType = Literal["text", "shares", "age"]
"""``shares`` is a map of percentages by predictor: a cluster prints it as JSON, the embedded API as ``v1=95 v2=5``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterColumn:
    """One column of ``kubectl get``: what stands at ``path``. ``wide``: with ``-o wide`` only."""

    name: str
    path: str
    description: str
    type: ColumnType = "text"
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomKind:
    """One kind. ``versions`` are all served and alike but for their name; the first is preferred, and stored."""

    group: str
    kind: str
    plural: str
    short_name: str
    versions: tuple[str, ...]
    view: type[View]
    description: str
    columns: tuple[PrinterColumn, ...]
    scale: bool = False
    """Whether ``kubectl scale`` sets ``spec.replicas``."""

    @property
    def singular(self) -> str:
        """Its name for one, in lower case."""
        return self.kind.lower()


_AGE = PrinterColumn(
    name="Age", path="metadata.creationTimestamp", description="Time since the object was made.", type="age"
)
_TRAFFIC = PrinterColumn(
    name="Traffic", path="status.traffic", description="Percent by predictor, as the gateway has it.", type="shares"
)

SELDON_DEPLOYMENT = CustomKind(
    group="machinelearning.seldon.io",
    kind=seldon_deployment.KIND,
    plural="seldondeployments",
    short_name="sdep",
    versions=("v1", "v1alpha3", "v1alpha2"),
    view=seldon_deployment.SeldonDeployment,
    description="A model that answers requests: its versions, their graphs and pods, and their shares of the traffic.",
    columns=(
        PrinterColumn(name="State", path="status.state", description="Available, Creating or Failed."),
        _TRAFFIC,
        PrinterColumn(name="Rollout", path="status.phase", description="Phase of the rollout under way, else Stable."),
        _AGE,
        PrinterColumn(
            name="Rollout-ID", path="status.rolloutId", description="The rollout under way, if any.", wide=True
        ),
        PrinterColumn(name="URL", path="status.address.url", description="Where requests go.", wide=True),
    ),
    scale=True,
)

MODEL_ROLLOUT = CustomKind(
    group=GROUP,
    kind=model_rollout.KIND,
    plural="modelrollouts",
    short_name="mro",
    versions=("v1alpha1",),
    view=model_rollout.ModelRollout,
    description="One attempt to replace a SeldonDeployment's predictor by a candidate, a little at a time.",
    columns=(
        PrinterColumn(name="Phase", path="status.phase", description="Where the rollout stands."),
        PrinterColumn(name="Step", path="status.step", description="The plan's step under way, counted from 0."),
        _TRAFFIC,
        PrinterColumn(name="Reason", path="status.reason", description="Why it stands there, in one word."),
        _AGE,
        PrinterColumn(
            name="Target", path="spec.target", description="The SeldonDeployment that it changes.", wide=True
        ),
        PrinterColumn(
            name="Message", path="status.message", description="Why it stands there, in a sentence.", wide=True
        ),
    ),
)

CUSTOM_KINDS = (SELDON_DEPLOYMENT, MODEL_ROLLOUT)
