"""The tasks of our pipelines: chains of steps that share a process, and the one that chooses how to release.

Steps of different rooms never meet but here: this is where a chain may cross from registry to packaging, and where
``release`` decides between a first deployment and a rollout.
"""

from typing import Annotated, Any, NamedTuple

from sluicegate.components.data.loading import load_data
from sluicegate.components.data.splitting import split_data
from sluicegate.components.data.validating import validate_data
from sluicegate.components.deployment.deploying import deploy
from sluicegate.components.deployment.smoking import smoke_test
from sluicegate.components.emit.chaining import chain
from sluicegate.components.evaluation.comparing import compare_with_champion
from sluicegate.components.evaluation.evaluating import evaluate
from sluicegate.components.packaging.packaging import package
from sluicegate.components.packaging.proving import contract_test
from sluicegate.components.registry.finding import find_champion
from sluicegate.components.registry.recording import record_bundle
from sluicegate.components.registry.registering import register
from sluicegate.components.rollout.starting import await_rollout, has_begun, rollout_name, start_rollout
from sluicegate.components.step import step

prepare_data = chain(
    "prepare-data", load_data, validate_data, split_data, summary="Load a table, check it, and hold a part of it out."
)
qualify = chain(
    "qualify",
    evaluate,
    find_champion,
    compare_with_champion,
    summary="Judge a trained model on held-out data, by itself and against the champion.",
)
publish = chain(
    "publish",
    register,
    package,
    record_bundle,
    contract_test,
    summary="Register a model version, package it as a bundle, and prove the bundle.",
)


class Released(NamedTuple):
    """How the version is served now: ``Deployed``, ``Promoted`` or ``NotDeployed``; and the rollout, if any."""

    phase: str
    message: str
    rollout: str


@step("release", effects=True, extras=("kfp", "mlflow"))
def release(
    *,
    model: Annotated[str, "Name of the registered model."],
    version: Annotated[str, "The version to serve."],
    bundle: Annotated[str, "Where its bundle lies."],
    deployment: Annotated[str, "Name of the SeldonDeployment; empty to end without serving."] = "",
    namespace: Annotated[str, "Namespace of the SeldonDeployment."] = "default",
    plan: Annotated[dict[str, Any], "Rollout plan; the default plan when empty."] = {},  # noqa: B006  # never written to
    expected_disagreement: Annotated[float, "Share of held-out rows on which it differs from the champion."] = 0.0,
    mirror: Annotated[bool, "Begin with mirrored requests, whose answers nobody sees."] = True,
    concurrency: Annotated[str, "When another rollout is on its way: refuse, queue or supersede."] = "refuse",
    replicas: Annotated[int, "Servers of a first release."] = 1,
    timeout: Annotated[float, "Seconds that a rollout may take."] = 3600.0,
    run: Annotated[str, "Id of the pipeline run: releasing again under the same id joins the same rollout."] = "",
) -> Released:
    """Serve a version: as the first one of its deployment, else by a rollout that is awaited.

    Raises what deploy, smoke-test, start-rollout and await-rollout raise: nothing is served that was not let in.
    """
    if not deployment:
        return Released("NotDeployed", "no deployment was named", "")
    if not _began(deployment, namespace, bundle, version, run) and _first_release(deployment, namespace, bundle):
        deployed = deploy(deployment=deployment, bundle=bundle, namespace=namespace, replicas=replicas)
        smoked = smoke_test(deployment=deployment, bundle=bundle, namespace=namespace)
        return Released("Deployed", f"{deployed.predictor} answers {smoked.rows} rows as its trainer saw", "")
    started = start_rollout(
        deployment=deployment,
        model=model,
        version=version,
        namespace=namespace,
        plan=plan,
        expected_disagreement=expected_disagreement,
        mirror=mirror,
        concurrency=concurrency,
        run=run,
    )
    print(f"start-rollout: {started.rollout}", flush=True)  # noqa: T201  # a rollout takes minutes; its name helps now
    finished = await_rollout(rollout=started.rollout, namespace=namespace, timeout=timeout)
    return Released(finished.phase, finished.message, started.rollout)


def _began(deployment: str, namespace: str, bundle: str, version: str, run: str) -> bool:
    """Whether an earlier attempt of this run began a rollout: once promoted, its bundle looks like a first release."""
    from sluicegate.components.artefacts.bundles import described
    from sluicegate.serving.client.objects import Objects

    if not run:
        return False
    digest = described(bundle).digest
    name = rollout_name(deployment=deployment, version=version, digest=digest, run=run)
    return has_begun(Objects(), name, namespace)


def _first_release(deployment: str, namespace: str, bundle: str) -> bool:
    """Whether nothing serves there yet, or this very bundle does already."""
    from sluicegate.components.artefacts.bundles import described
    from sluicegate.components.deployment.manifest import served_digests
    from sluicegate.components.deployment.releasing import Releases
    from sluicegate.serving.client.objects import Objects

    found = Releases(objects=Objects()).find(deployment, namespace)
    return found is None or served_digests(found) == [described(bundle).digest]
