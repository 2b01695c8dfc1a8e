"""``contract-test``: the bundle is served in a fresh process, as production will, and asked its own example."""

from typing import Annotated, NamedTuple

from sluicegate.components.step import step


class Proven(NamedTuple):
    """Digest of what was proven, and seconds until the server was ready."""

    digest: str
    ready_seconds: float


@step("contract-test", extras=("serving",))
def contract_test(
    *,
    bundle: Annotated[str, "Where the bundle lies."],
    timeout: Annotated[float, "Seconds that the server may take to become ready."] = 60.0,
) -> Proven:
    """Prove a bundle: serve it in a fresh process and hold its answers against those that the trainer saw.

    Also proven: columns by name in any order, more columns than needed, and a clear refusal when one is missing.
    Raises GateNotPassedError with the server's own sentence, or with the first answer that differs.
    """
    from sluicegate.components.artefacts.bundles import bundle_at
    from sluicegate.components.packaging import trial

    return Proven(*trial.prove(bundle_at(bundle), timeout=timeout))
