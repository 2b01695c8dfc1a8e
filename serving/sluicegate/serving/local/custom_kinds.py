"""The kinds that sluicegate and its neighbours define, as a cluster would know them by their CRDs.

The plane gives the rules (``admit``); names, versions and columns are the same wherever they are served.
"""

from sluicegate.serving.api import model_rollout, seldon_deployment
from sluicegate.serving.api.metadata import GROUP
from sluicegate.serving.local.columns import age_column, field_column, shares_column
from sluicegate.serving.local.kinds import Admit, Column, Kind, admit_all

_STATUS = frozenset({"status"})


def seldon_deployment_kind(admit: Admit = admit_all) -> Kind:
    """``SeldonDeployment``, in the three versions that Seldon Core served."""
    return Kind(
        group="machinelearning.seldon.io",
        versions=("v1", "v1alpha3", "v1alpha2"),
        storage_version="v1",
        kind=seldon_deployment.KIND,
        plural="seldondeployments",
        singular="seldondeployment",
        short_names=("sdep",),
        subresources=_STATUS,
        printer_columns=(
            field_column("State", "status.state", description="Available, Creating or Failed."),
            shares_column("Traffic", "status.traffic", description="Percent by predictor, as the gateway has it."),
            field_column("Rollout", "status.phase", description="Phase of the rollout under way, else Stable."),
            age_column(),
            field_column("URL", "status.address.url", priority=1),
        ),
        admit=admit,
        view=seldon_deployment.SeldonDeployment,
    )


def model_rollout_kind(admit: Admit = admit_all) -> Kind:
    """``ModelRollout``."""
    return Kind(
        group=GROUP,
        versions=("v1alpha1",),
        storage_version="v1alpha1",
        kind=model_rollout.KIND,
        plural="modelrollouts",
        singular="modelrollout",
        short_names=("mro",),
        subresources=_STATUS,
        printer_columns=(
            field_column("Phase", "status.phase"),
            field_column("Step", "status.step"),
            shares_column("Traffic", "status.traffic", description="Percent by predictor, as the gateway has it."),
            field_column("Reason", "status.reason"),
            age_column(),
            field_column("Target", "spec.target", priority=1),
            field_column("Message", "status.message", priority=1),
        ),
        admit=admit,
        view=model_rollout.ModelRollout,
    )


def workflow_kind(admit: Admit = admit_all) -> Kind:
    """Argo's ``Workflow``; its CRD has no status subresource."""
    return _argo("Workflow", "workflows", "wf", admit, field_column("Status", "status.phase"), age_column())


def workflow_template_kind(admit: Admit = admit_all) -> Kind:
    """Argo's ``WorkflowTemplate``."""
    return _argo("WorkflowTemplate", "workflowtemplates", "wftmpl", admit, age_column())


def _argo(kind: str, plural: str, short_name: str, admit: Admit, *columns: Column) -> Kind:
    return Kind(
        group="argoproj.io",
        versions=("v1alpha1",),
        storage_version="v1alpha1",
        kind=kind,
        plural=plural,
        singular=kind.lower(),
        short_names=(short_name,),
        printer_columns=columns,
        admit=admit,
    )
