"""Whether a SeldonDeployment may enter: every rule of Seldon Core's webhook, and what never could run.

What that webhook let pass is let pass here too, with a warning where it is unwise. Called by the API's admission and by
the rollout's rules for its candidate; all errors are found at once.
"""

from collections.abc import Iterator

from sluicegate.serving.api.annotations import embedded_annotation_warnings
from sluicegate.serving.api.embedded_rules import embedded_errors, embedded_warnings
from sluicegate.serving.api.errors import FieldError
from sluicegate.serving.api.graph_rules import (
    graph_errors,
    image_errors,
    parameter_errors,
    transport_errors,
    unit_errors,
)
from sluicegate.serving.api.names import LABEL_RULE, is_dns_label
from sluicegate.serving.api.pod_rules import pod_errors
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.api.traffic_rules import traffic_errors
from sluicegate.serving.api.unwise import warnings_of

Findings = tuple[tuple[FieldError, ...], tuple[str, ...]]
"""What is refused, and what is only unwise."""

PROTOCOLS = ("seldon", "tensorflow", "kfserving", "v2")
TRANSPORTS = ("rest", "grpc")
SERVER_TYPES = ("rpc", "kafka")
KAFKA_VARIABLES = ("KAFKA_BROKER", "KAFKA_INPUT_TOPIC", "KAFKA_OUTPUT_TOPIC")
SERVICE_NAME_ANNOTATION = "seldon.io/svc-name"


def validate_deployment(
    deployment: SeldonDeployment,
    *,
    known_servers: frozenset[str] | None = None,
    installed: frozenset[str] | None = None,
) -> Findings:
    """Errors and warnings of a deployment.

    ``known_servers`` are the prepackaged servers of a plane that runs processes instead of containers; None means a
    cluster, which can run any image. ``installed`` are the prepackaged servers that a cluster's installation has
    images for; a unit whose container names an image of its own needs none of them, and None means not to ask.
    """
    embedded = known_servers is not None
    errors = [
        *_name_errors(deployment),
        *_choice_errors(deployment),
        *_kafka_errors(deployment),
        *_service_name_errors(deployment),
        *traffic_errors(deployment.spec),
    ]
    for index, predictor in enumerate(deployment.spec.predictors):
        path = f"spec.predictors[{index}]"
        errors += graph_errors(predictor, path)
        errors += unit_errors(predictor, path, protocol=deployment.spec.protocol, embedded=embedded)
        errors += image_errors(predictor, path, installed)
        errors += parameter_errors(predictor, path)
        errors += pod_errors(predictor, path)
    errors += transport_errors(deployment.spec)
    warnings = list(warnings_of(deployment))
    if known_servers is not None:
        errors += embedded_errors(deployment.spec, known_servers)
        warnings += embedded_warnings(deployment.spec)
        warnings += embedded_annotation_warnings(deployment)
    return tuple(errors), tuple(warnings)


def _name_errors(deployment: SeldonDeployment) -> Iterator[FieldError]:
    name = deployment.metadata.name
    if not is_dns_label(name):
        yield FieldError(path="metadata.name", found=repr(name), expected=LABEL_RULE)
    for index, predictor in enumerate(deployment.spec.predictors):
        if not is_dns_label(predictor.name):
            yield FieldError(path=f"spec.predictors[{index}].name", found=repr(predictor.name), expected=LABEL_RULE)


def _choice_errors(deployment: SeldonDeployment) -> Iterator[FieldError]:
    spec = deployment.spec
    for field, value, choices in (
        ("protocol", spec.protocol, PROTOCOLS),
        ("transport", spec.transport, TRANSPORTS),
        ("serverType", spec.server_type, SERVER_TYPES),
    ):
        if value and value not in choices:
            yield FieldError(path=f"spec.{field}", found=repr(value), expected="one of " + ", ".join(choices))


def _kafka_errors(deployment: SeldonDeployment) -> Iterator[FieldError]:
    if deployment.spec.server_type != "kafka":
        return
    for index, predictor in enumerate(deployment.spec.predictors):
        given = {variable.get("name") for variable in predictor.svc_orch_spec.env}
        missing = [name for name in KAFKA_VARIABLES if name not in given]
        if missing:
            path = f"spec.predictors[{index}].svcOrchSpec.env"
            yield FieldError(path=path, found="", expected="for serverType kafka also " + ", ".join(missing))


def _service_name_errors(deployment: SeldonDeployment) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, predictor in enumerate(deployment.spec.predictors):
        name = predictor.annotations.get(SERVICE_NAME_ANNOTATION)
        if name is not None and name in seen:
            path = f"spec.predictors[{index}].annotations[{SERVICE_NAME_ANNOTATION}]"
            yield FieldError(path=path, found=repr(name), expected="a Service name that no other predictor has")
        seen.add(name or "")
