"""Keeps the certificate: on every replica, a round now and then; nobody leads.

Whoever finds that something is due does it; when another was first, its write is read instead. The bundle of the
webhook's configuration is set after each look at the Secret, before the certificate is served, and only where it
differs: a rotation is begun by any replica and ended by any other.
"""

import asyncio
import base64
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.admission.authority import Pair, fits, read_certificates
from sluicegate.serving.operator.admission.certificates import (
    Decision,
    Holding,
    Periods,
    carried_out,
    decide,
    holding_of,
    secret_of,
)
from sluicegate.serving.operator.admission.errors import UnusableFilesError
from sluicegate.serving.operator.admission.ports import Clock, Secrets, WebhookConfigurations
from sluicegate.serving.operator.errors import ConflictError, OperatorError

SECRET = "sluicegate-webhook-certificate"  # noqa: S105  # the name of one
INTERVAL = 30.0
"""Seconds between two rounds; far below ``Periods.settle``, in which every replica must have looked."""
_ATTEMPTS = 8
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose certificate it is: a Service, the Secret that its replicas share, the configuration that points at it.

    ``also``: more names, for a configuration that points at a URL.
    """

    service: str
    namespace: str
    configuration: str
    secret: str = SECRET
    also: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What the API server may call it; the first is what it does call it."""
        base = f"{self.service}.{self.namespace}"
        return (f"{base}.svc", f"{base}.svc.cluster.local", base, self.service, *self.also)


class CertificateSource(Protocol):
    """Where the serving certificate comes from."""

    async def current(self) -> Pair:
        """What is to be served now; raises an OperatorError when there is nothing new to serve."""


def _log(decision: Decision) -> None:
    level = logging.WARNING if decision.is_repair else logging.INFO
    _LOG.log(level, "webhook certificate: %s, because %s", decision.act, decision.reason)


class KeptCertificate:
    """Made and rotated by the operator, in a Secret. ``tell`` hears of everything that was done."""

    def __init__(
        self,
        secrets: Secrets,
        webhooks: WebhookConfigurations,
        clock: Clock,
        identity: Identity,
        periods: Periods,
        tell: Callable[[Decision], None] = _log,
    ) -> None:
        self._secrets, self._webhooks, self._clock = secrets, webhooks, clock
        self._identity, self._periods, self._tell = identity, periods, tell

    async def current(self) -> Pair:
        """One round: do what is due, let the API server trust the bundle, answer what to serve."""
        held = await self._kept()
        await self._trust(held.bundle)
        if held.pair is None:
            raise ConflictError("the Secret was broken again as soon as it was written")
        return held.pair

    async def _kept(self) -> Holding:
        own, names = self._identity, self._identity.names
        for _ in range(_ATTEMPTS):
            secret = await self._secrets.get(own.namespace, own.secret)
            now = datetime.fromtimestamp(self._clock.now(), UTC)
            decision = decide(now, secret, names, self._periods)
            held = holding_of(secret)
            if decision.act == "Keep":
                return held
            held = carried_out(decision.act, held, now, names, self._periods)
            try:
                await self._store(secret_of(held, secret, own.namespace, own.secret), new=secret is None)
            except ConflictError:
                continue
            self._tell(decision)
        raise ConflictError(f"{_ATTEMPTS} attempts to keep Secret {own.namespace}/{own.secret} led to no end")

    async def _store(self, secret: JSON, *, new: bool) -> None:
        await (self._secrets.create(secret) if new else self._secrets.replace(secret))

    async def _trust(self, bundle: bytes) -> None:
        configuration = await self._webhooks.get(self._identity.configuration)
        trusting = with_bundle(configuration, bundle) if configuration is not None else None
        if trusting != configuration and trusting is not None:
            await self._webhooks.replace(trusting)


class CertificateFiles:
    """Kept by somebody else (cert-manager) in a mounted Secret: read, and nothing written anywhere."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def current(self) -> Pair:
        """What the files hold now; half-changed ones are not served."""
        try:
            certificate, key = ((self._directory / name).read_bytes() for name in ("tls.crt", "tls.key"))
        except OSError as error:
            raise UnusableFilesError(f"cannot read the webhook's certificate: {error}") from error
        if not any(fits(each, key) for each in read_certificates(certificate)[:1]):
            raise UnusableFilesError(
                f"{self._directory}: expected tls.crt with an ECDSA certificate and tls.key with its key"
            )
        return Pair(certificate=certificate, key=key)


async def keep(source: CertificateSource, use: Callable[[Pair], None], interval: float = INTERVAL) -> None:
    """Rounds without end. What goes wrong is told and tried again; what is served goes on being served."""
    while True:
        try:
            use(await source.current())
        except ConflictError as error:
            _LOG.info("webhook certificate: %s", error)
        except OperatorError as error:
            _LOG.warning("webhook certificate: %s", error)
        await asyncio.sleep(interval)


def with_bundle(configuration: JSON, bundle: bytes) -> JSON:
    """The configuration, every webhook of which trusts this bundle. It keeps the resourceVersion that was read, so that
    an older look does not overwrite a newer one.
    """
    wanted = base64.b64encode(bundle).decode()
    webhooks = [
        each | {"clientConfig": each["clientConfig"] | {"caBundle": wanted}}
        for each in configuration.get("webhooks") or ()
    ]
    return configuration | {"webhooks": webhooks}
