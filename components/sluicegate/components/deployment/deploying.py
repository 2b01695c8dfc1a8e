"""``deploy``: a first release. What replaces something that serves already is a rollout, never this."""

from typing import Annotated, NamedTuple

from sluicegate.components.step import step


class Deployed(NamedTuple):
    """State of the deployment, its predictor, and whether this call created it."""

    state: str
    predictor: str
    created: bool


@step("deploy", effects=True, extras=("kfp",))
def deploy(
    *,
    deployment: Annotated[str, "Name of the SeldonDeployment."],
    bundle: Annotated[str, "Where the bundle lies."],
    namespace: Annotated[str, "Namespace of the SeldonDeployment."] = "default",
    replicas: Annotated[int, "Servers."] = 1,
    timeout: Annotated[float, "Seconds until it must be available."] = 120.0,
) -> Deployed:
    """Serve a bundle for the first time; serving it already is fine, serving something else is refused.

    Raises NotTheSameError (use a rollout), or ServiceUnreachableError when it does not become available.
    """
    from sluicegate.components.artefacts.bundles import address_of, described, secret_of
    from sluicegate.components.deployment.manifest import Release
    from sluicegate.components.deployment.releasing import Releases
    from sluicegate.serving.client.objects import Objects

    release = Release(
        deployment=deployment,
        namespace=namespace,
        replicas=replicas,
        bundle=described(bundle),
        uri=address_of(bundle),
        secret=secret_of(bundle),
    )
    releases = Releases(objects=Objects())
    created = releases.ensure(release)
    found = releases.wait_available(deployment, namespace, timeout=timeout)
    return Deployed(found.status.state, found.spec.predictors[0].name, created)
