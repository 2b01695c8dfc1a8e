"""The engine: our model server with a graph, beside the units in the first pod or in pods of its own."""

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
from sluicegate.serving.operator.objects.subject import Subject


def engine_container(subject: Subject, pod_spec: JSON, users: JSON) -> JSON:
    """The container that leads requests through the predictor's graph."""
    predictor = subject.workload.predictor
    image = subject.installation.engine_image
    told = {
        **unit_environment(subject, predictor.graph, ENGINE_PORTS, image),
        **our_environment(subject, predictor.graph, log_url="", drain=ending_of(pod_spec).drain),
        **engine_environment(subject),
    }
    ours = {
        **our_settings(subject, pod_spec),
        "name": ENGINE,
        "image": image,
        "ports": container_ports(ENGINE_PORTS),
        "env": variables(told),
        "resources": (
            predictor.svc_orch_spec.resources or predictor.engine_resources or subject.installation.engine_resources
        ),
    }
    stated = merged_container(ours, {"env": list(predictor.svc_orch_spec.env)})
    return merged_container(stated, users)
