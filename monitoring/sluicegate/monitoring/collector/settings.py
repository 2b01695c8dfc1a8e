"""All settings of the collector: one table, read once from options or from the environment.

An option ``--envoy-admin`` is ``SLUICEGATE_COLLECTOR_ENVOY_ADMIN`` in the environment; the option wins.
"""

from dataclasses import dataclass, field, fields
from pathlib import Path

PREFIX = "SLUICEGATE_COLLECTOR_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the process is told. Each field's docstring gives its unit and the reason for its default."""

    data: Path = field(default=Path(".sluicegate/collector"))
    """Directory of its database; made if missing. One collector a directory."""
    host: str = "127.0.0.1"
    """Address to listen at. Loopback: the request log holds users' data."""
    port: int = 7081
    """Port to listen at."""
    envoy_admin: str = ""
    """Base URL of the gateway's admin door; a name stands for all Envoys that it resolves to. Empty: the gateway is not
    sampled, and series say so."""
    servers: str = ""
    """URL at which the operator lists the model servers of rollouts under way; read in place of Envoys, where the
    gateway is one that counts nothing for us."""
    alert_url: tuple[str, ...] = ()
    """Where drift alarms are POSTed; may be given several times, or separated by commas in the environment."""
    log_rows: int = 200_000
    """Events kept in the request log, newest first; about 1 kB each. Also how far back a resent event is recognized."""
    facts_rows: int = 1_000_000
    """Requests whose answers are kept to be joined with later labels; about 200 bytes each."""
    label_hours: float = 24.0
    """How long after a request its label may come."""
    retention_hours: float = 48.0
    """How long counts per second are kept; a series cannot start before that."""
    body_bytes: int = 8 * 1024 * 1024
    """Largest body of one POST; a longer one is refused with 413."""
    waiting_posts: int = 256
    """POSTs that may wait for the disk; one more is refused with 429, so that memory stays bounded."""

    @property
    def samples(self) -> bool:
        """Whether anybody is asked for running totals."""
        return bool(self.envoy_admin or self.servers)


def setting_names() -> tuple[str, ...]:
    """Field names, in the order of the table."""
    return tuple(slot.name for slot in fields(Settings))
