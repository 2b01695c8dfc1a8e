"""The engine: our model server with a graph, beside the units in the first pod or in pods of its own."""

from collections.abc import Mapping

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.objects.containers import container_ports, our_settings
from sluicegate.serving.operator.objects.environment import (
    engine_environment,
    our_environment,
    unit_environment,
    variables,
)
from sluicegate.serving.operator.objects.layout import ENGINE, ENGINE_PORTS
from sluicegate.serving.operator.objects.merging import merged_container
from sluicegate.serving.operator.objects.probes import ending_of
from sluicegate.serving.operator.objects.storage import Provision
from sluicegate.serving.operator.objects.subject import Subject

NO_MODELS: Mapping[str, Provision] = {}


def engine_container(
    subject: Subject, pod_spec: JSON, users: JSON, models: Mapping[str, Provision] = NO_MODELS
) -> JSON:
    """The container that leads requests through the predictor's graph; ``models`` of the units that it runs itself."""
    predictor = subject.workload.predictor
    image = subject.layout.engine_image or subject.installation.engine_image
    settings = our_settings(subject, pod_spec)
    told = {
        **unit_environment(subject, predictor.graph, ENGINE_PORTS, image),
        **our_environment(subject, predictor.graph, log_url="", drain=ending_of(pod_spec).drain),
        **engine_environment(subject, {name: provision.location for name, provision in models.items()}),
    }
    ours = {
        **settings,
        "name": ENGINE,
        "image": image,
        "ports": container_ports(ENGINE_PORTS),
        "env": variables(told),
        "envFrom": [each for provision in models.values() for each in provision.env_from],
        "volumeMounts": [*settings["volumeMounts"], *(each for model in models.values() for each in model.mounts)],
        "resources": (
            predictor.svc_orch_spec.resources or predictor.engine_resources or subject.installation.engine_resources
        ),
    }
    stated = merged_container(ours, {"env": list(predictor.svc_orch_spec.env)})
    return merged_container(stated, users)
