"""What is being rendered, as one value: a predictor's workload with all that its manifests depend on."""

from collections.abc import Mapping
from dataclasses import dataclass

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.objects.layout import Layout
from sluicegate.serving.operator.objects.manifest import ObjectKey
from sluicegate.serving.operator.settings import Installation
from sluicegate.serving.reconcile.workloads import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One predictor to render."""

    workload: Workload
    layout: Layout
    owner: JSON
    installation: Installation
    live: Mapping[ObjectKey, JSON]
    hold_replicas: int | None

    @property
    def protocol(self) -> str:
        """The protocol; ``kfserving`` is an older name of ``v2``."""
        return "v2" if self.workload.protocol == "kfserving" else self.workload.protocol
