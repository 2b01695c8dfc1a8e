"""The kinds that sluicegate and its neighbours define, as a cluster would know them by their CRDs.

The plane gives the rules (``admit``); names, versions and columns are the same wherever they are served.
"""

from sluicegate.serving.api.crds.kinds import MODEL_ROLLOUT, SELDON_DEPLOYMENT, CustomKind, PrinterColumn
from sluicegate.serving.api.crds.schema import object_schema
from sluicegate.serving.local.columns import age_column, field_column, shares_column
from sluicegate.serving.local.kinds import Admit, Column, Kind, admit_all

_STATUS = frozenset({"status"})


def seldon_deployment_kind(admit: Admit = admit_all) -> Kind:
    """``SeldonDeployment``, in the three versions that Seldon Core served."""
    return _of(SELDON_DEPLOYMENT, admit)


def model_rollout_kind(admit: Admit = admit_all) -> Kind:
    """``ModelRollout``."""
    return _of(MODEL_ROLLOUT, admit)


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


def _of(kind: CustomKind, admit: Admit) -> Kind:
    return Kind(
        group=kind.group,
        versions=kind.versions,
        storage_version=kind.versions[0],
        kind=kind.kind,
        plural=kind.plural,
        singular=kind.singular,
        short_names=(kind.short_name,),
        subresources=_STATUS,
        printer_columns=tuple(map(_column, kind.columns)),
        admit=admit,
        view=kind.view,
        schema=object_schema(kind.view, kind.description),
    )


def _column(column: PrinterColumn) -> Column:
    priority = 1 if column.wide else 0
    if column.type == "age":
        return age_column(column.name, column.path)
    make = shares_column if column.type == "shares" else field_column
    return make(column.name, column.path, description=column.description, priority=priority)
