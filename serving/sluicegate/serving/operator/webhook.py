"""The admission webhook put together: every replica answers it, whoever leads, from its own caches.

The certificate comes first, since without one there is nothing to serve; it is kept for ever beside the door.
"""

import asyncio
import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.admission.asking import ClusterDryRun, ClusterSecrets, ClusterWebhookConfigurations
from sluicegate.serving.operator.admission.authority import Pair
from sluicegate.serving.operator.admission.certificates import Periods
from sluicegate.serving.operator.admission.door import Server, create_door
from sluicegate.serving.operator.admission.keeping import (
    CertificateFiles,
    CertificateSource,
    Identity,
    KeptCertificate,
    keep,
)
from sluicegate.serving.operator.admission.rendering import renderer
from sluicegate.serving.operator.admission.reviewer import Reviewer
from sluicegate.serving.operator.admission.tls import ServedCertificate
from sluicegate.serving.operator.cluster.caches import Caches
from sluicegate.serving.operator.cluster.client import Cluster
from sluicegate.serving.operator.errors import OperatorError
from sluicegate.serving.operator.ports import Clock
from sluicegate.serving.operator.process import Process
from sluicegate.serving.operator.settings import Installation
from sluicegate.serving.operator.sharing import named
from sluicegate.serving.reconcile.reviews import Servers

CONFIGURATION = "sluicegate"
"""Name of the ValidatingWebhookConfiguration, before the controller id."""
SERVICE = "sluicegate-webhook"
FIRST_SECONDS = 2.0
_LOG = logging.getLogger(__name__)


def identity_in(namespace: str, controller_id: str) -> Identity:
    """Of an installation's webhook."""
    return Identity(service=SERVICE, namespace=namespace, configuration=named(CONFIGURATION, controller_id))


@dataclass(frozen=True, slots=True)
class CachedObjects:
    """What is stored, as the caches have it."""

    caches: Caches

    def list(self, kind: str, namespace: str | None = None) -> Sequence[JSON]:
        """Objects of one of our two kinds."""
        cache = {"SeldonDeployment": self.caches.deployments, "ModelRollout": self.caches.rollouts}[kind]
        return cache.all(namespace)


async def serve_webhook(
    cluster: Cluster,
    caches: Caches,
    installation: Installation,
    clock: Clock,
    process: Process,
    *,
    namespace: str,
) -> None:
    """Until cancelled."""
    source = _source(cluster, clock, process, namespace)
    served = ServedCertificate(await _first(source))
    keeping = asyncio.create_task(keep(source, served.use))
    try:
        await Server(create_door(_reviewer(cluster, caches, installation)), served).serve(
            sockets=[_listen(process.host, process.webhook_port)]
        )
    finally:
        keeping.cancel()


def _source(cluster: Cluster, clock: Clock, process: Process, namespace: str) -> CertificateSource:
    if process.webhook_certificate:
        return CertificateFiles(Path(process.webhook_certificate))
    identity = identity_in(namespace, process.controller_id)
    secrets, configurations = ClusterSecrets(cluster), ClusterWebhookConfigurations(cluster)
    return KeptCertificate(secrets, configurations, clock, identity, Periods())


async def _first(source: CertificateSource) -> Pair:
    """The first certificate, asked for until there is one."""
    while True:
        try:
            return await source.current()
        except OperatorError as error:
            _LOG.warning("webhook certificate: %s", error)
            await asyncio.sleep(FIRST_SECONDS)


def _reviewer(cluster: Cluster, caches: Caches, installation: Installation) -> Reviewer:
    servers = Servers(installed=lambda protocol: installation.served(protocol or "seldon"))
    return Reviewer(
        CachedObjects(caches),
        servers,
        renderer(installation, caches.made_for),
        ClusterDryRun(cluster),
        lambda: "" if caches.is_complete else "SeldonDeployments and ModelRollouts",
    )


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    return listening
