"""The two kinds that are reviewed, and the paths at which: the door serves them, the configuration names them."""

from dataclasses import dataclass

from sluicegate.serving.api import model_rollout, seldon_deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A kind under review. ``path`` of a SeldonDeployment is Seldon Core's own, so its configuration fits as well."""

    webhook: str
    path: str
    group: str
    versions: tuple[str, ...]
    kind: str
    resource: str


SELDON_DEPLOYMENT = Subject(
    webhook="seldondeployments.sluicegate.dev",
    path="/validate-machinelearning-seldon-io-v1-seldondeployment",
    group="machinelearning.seldon.io",
    versions=("v1", "v1alpha2", "v1alpha3"),
    kind=seldon_deployment.KIND,
    resource="seldondeployments",
)
MODEL_ROLLOUT = Subject(
    webhook="modelrollouts.sluicegate.dev",
    path="/validate-sluicegate-dev-v1alpha1-modelrollout",
    group="sluicegate.dev",
    versions=("v1alpha1",),
    kind=model_rollout.KIND,
    resource="modelrollouts",
)
SUBJECTS = (SELDON_DEPLOYMENT, MODEL_ROLLOUT)
