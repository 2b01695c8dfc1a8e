"""Settings of the operator's own process: one table, read once from the environment of its Deployment."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from sluicegate.serving.operator.errors import SettingsRefusedError
from sluicegate.serving.operator.gateways.choosing import Wish
from sluicegate.serving.operator.sharing import named

LEASE = "sluicegate-operator"

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True)
class ProcessSetting:
    """One line of the table."""

    name: str
    env: str
    default: str | int
    sentence: str


PROCESS_SETTINGS = (
    ProcessSetting("watch_namespace", "SLUICEGATE_WATCH_NAMESPACE", "", "The only namespace to look at; empty: all."),
    ProcessSetting("identity", "POD_NAME", "", "This replica's name in the leader's lease; the host's name if empty."),
    ProcessSetting("namespace", "POD_NAMESPACE", "", "Where our own objects are; the service account's if empty."),
    ProcessSetting(
        "controller_id", "SLUICEGATE_CONTROLLER_ID", "", "Look after what this id marks (seldon.io/controller-id) only."
    ),
    ProcessSetting(
        "lease",
        "SLUICEGATE_LEASE",
        "",
        "Name of the leader's Lease; sluicegate-operator and the controller id if empty.",
    ),
    ProcessSetting("host", "SLUICEGATE_HOST", "0.0.0.0", "Address to listen at."),
    ProcessSetting("http_port", "SLUICEGATE_HTTP_PORT", 8080, "Port of health and metrics."),
    ProcessSetting("xds_port", "SLUICEGATE_XDS_PORT", 8081, "Port at which the bundled Envoys ask for their routes."),
    ProcessSetting("webhook_port", "SLUICEGATE_WEBHOOK_PORT", 9443, "Port of the admission webhook; 0: none."),
    ProcessSetting(
        "webhook_certificate",
        "SLUICEGATE_WEBHOOK_CERTIFICATE",
        "",
        "Directory of the webhook's tls.crt and tls.key, if somebody else keeps them; the operator does if empty.",
    ),
    ProcessSetting("front_port", "SLUICEGATE_GATEWAY_PORT", 8003, "Port at which the bundled Envoys take requests."),
    ProcessSetting(
        "gateway_kind", "SLUICEGATE_GATEWAY_KIND", "auto", "Who leads requests: auto, envoy, gateway-api or istio."
    ),
    ProcessSetting(
        "gateway", "SLUICEGATE_GATEWAY", "", "The Gateway that routes attach to: namespace/name, or with /listener."
    ),
    ProcessSetting(
        "gateway_hosts", "SLUICEGATE_GATEWAY_HOSTS", "", "Hosts that routes answer on, separated by commas; empty: all."
    ),
    ProcessSetting("istio_tls_mode", "SLUICEGATE_ISTIO_TLS_MODE", "", "TLS mode of Istio's DestinationRules."),
    ProcessSetting("workers", "SLUICEGATE_WORKERS", 4, "How many deployments are looked at at a time."),
    ProcessSetting(
        "log_level", "SLUICEGATE_LOG_LEVEL", "info", "The least that is logged: debug, info, warning, error."
    ),
    ProcessSetting("kubeconfig", "KUBECONFIG", "", "Which cluster, outside of one."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What this process is told; the table above says what each is."""

    watch_namespace: str
    identity: str
    namespace: str
    controller_id: str
    lease: str
    host: str
    http_port: int
    xds_port: int
    webhook_port: int
    webhook_certificate: str
    front_port: int
    gateway_kind: str
    gateway: str
    gateway_hosts: str
    istio_tls_mode: str
    workers: int
    log_level: str
    kubeconfig: str

    @property
    def wish(self) -> Wish:
        """What is said of the gateway."""
        hosts = tuple(host.strip() for host in self.gateway_hosts.split(",") if host.strip())
        return Wish(kind=self.gateway_kind, gateway=self.gateway, hostnames=hosts, istio_tls_mode=self.istio_tls_mode)


def read_process(environment: Mapping[str, str] = os.environ) -> Process:
    """Settings of the environment, defaults where it says nothing. Raises SettingsRefusedError."""
    values = {each.name: _read(each, environment.get(each.env)) for each in PROCESS_SETTINGS}
    values["identity"] = values["identity"] or socket.gethostname()
    values["lease"] = values["lease"] or named(LEASE, str(values["controller_id"]))
    if str(values["log_level"]).upper() not in _LEVELS:
        raise SettingsRefusedError(
            f"SLUICEGATE_LOG_LEVEL: found {values['log_level']!r}; expected {' | '.join(_LEVELS)}"
        )
    return Process(**values)  # type: ignore[arg-type]  # each is of its default's type


def _read(setting: ProcessSetting, text: str | None) -> str | int:
    if text is None or isinstance(setting.default, str):
        return setting.default if text is None else text
    if not text.isdigit() or int(text) > 65535:
        raise SettingsRefusedError(f"{setting.env}: found {text!r}; expected a whole number from 0 to 65535")
    return int(text)
