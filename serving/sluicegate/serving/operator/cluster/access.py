"""Where the API server is and who we are there: a pod's service account, or a kubeconfig.

A service account's token is renewed by the kubelet in its file, so it is read anew; everything else is read once.
"""

import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import httpx

from sluicegate.serving.operator.errors import SettingsRefusedError

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TOKEN_SECONDS = 60.0
_TIMEOUT = httpx.Timeout(15.0, connect=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """``token_file`` is None where a certificate or a fixed token says who we are; ``namespace`` is our own."""

    server: str
    context: ssl.SSLContext
    token_file: Path | None = None
    token: str = ""
    namespace: str = "default"


class BearerToken(httpx.Auth):
    """The token of a file, read again once a minute."""

    def __init__(self, access: Access) -> None:
        self._file, self._token, self._read_at = access.token_file, access.token, float("-inf")

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]  # a generator is one
        """Put the token on a request."""
        if self._file is not None and monotonic() - self._read_at > TOKEN_SECONDS:
            self._token, self._read_at = self._file.read_text().strip(), monotonic()
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


def in_cluster(account: Path = ACCOUNT) -> Access | None:
    """Access of the pod that we run in, or None outside a cluster."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host or not (account / "token").exists():
        return None
    shown = f"[{host}]" if ":" in host else host
    context = ssl.create_default_context(cafile=str(account / "ca.crt"))
    namespace = (account / "namespace").read_text().strip()
    return Access(server=f"https://{shown}:{port}", context=context, token_file=account / "token", namespace=namespace)


def from_kubeconfig(path: str) -> Access:
    """Access as ``kubectl`` has it, exec plugins included. Raises SettingsRefusedError."""
    # Only a person's machine has a kubeconfig; a pod need not load the library.
    from kubernetes import client, config

    settings = client.Configuration()
    try:
        config.load_kube_config(config_file=path, client_configuration=settings)
    except (config.ConfigException, OSError) as error:
        raise SettingsRefusedError(f"KUBECONFIG {path}: {error}; give a file that kubectl can use") from error
    if not settings.verify_ssl:
        context = ssl._create_unverified_context()  # noqa: S323  the user's kubeconfig says insecure-skip-tls-verify
    else:
        context = ssl.create_default_context(cafile=settings.ssl_ca_cert)
    if settings.cert_file:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    token = str(settings.get_api_key_with_prefix("authorization") or "").removeprefix("Bearer ")
    return Access(server=str(settings.host), context=context, token=token)


def connect(access: Access) -> httpx.AsyncClient:
    """A client for requests and watches; each watch holds a connection of its own."""
    return httpx.AsyncClient(
        base_url=access.server,
        verify=access.context,
        auth=BearerToken(access),
        timeout=_TIMEOUT,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=60.0),
        headers={"Accept": "application/json", "User-Agent": "sluicegate-operator"},
        trust_env=False,
    )
