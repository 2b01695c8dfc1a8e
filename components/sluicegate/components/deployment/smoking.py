"""``smoke-test``: what users reach answers, and where one bundle alone serves, answers as its trainer saw."""

from typing import Annotated, NamedTuple

from sluicegate.components.step import step


class Smoked(NamedTuple):
    """Rows asked, and whether their answers were held against the bundle's."""

    rows: int
    compared: bool


@step("smoke-test", extras=("kfp",))
def smoke_test(
    *,
    deployment: Annotated[str, "Name of the SeldonDeployment."],
    bundle: Annotated[str, "Where the bundle lies whose example is sent."],
    namespace: Annotated[str, "Namespace of the SeldonDeployment."] = "default",
    gateway: Annotated[str, "Address of the gateway; SLUICEGATE_GATEWAY when empty."] = "",
) -> Smoked:
    """Send the bundle's own example through the gateway; answers must match where it is the sole predictor.

    Raises GateNotPassedError with what came instead, ServiceUnreachableError when the gateway does not answer.
    """
    from sluicegate.components.artefacts.bundles import bundle_at
    from sluicegate.components.artefacts.places import service
    from sluicegate.components.deployment import asking
    from sluicegate.serving.bundle.reading import read_bundle
    from sluicegate.serving.client.objects import Objects

    packaged = read_bundle(bundle_at(bundle))
    alone = asking.serves_alone(Objects(), deployment, namespace, packaged.digest)
    answer = asking.ask(service("SLUICEGATE_GATEWAY", gateway), deployment, namespace, packaged)
    return Smoked(asking.check(answer, packaged, compare=alone), alone)
