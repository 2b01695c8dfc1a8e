"""Several Envoys at one door, each with a delivery of its own; together they acknowledge. Decides only; ``xds`` talks.

A table is in force when every Envoy that is there has it. There is who has a stream open or had one a moment ago, and
whoever is ``expected``. Where Envoys differ about a deployment, what they last agreed upon is told: a share
that one of them still gives is not yet taken away. With a single Envoy all of this is that Envoy's own word.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.delivery import Delivery
from sluicegate.serving.gateway.envoy import Table, Traffic
from sluicegate.serving.gateway.routes import Acknowledged

GRACE_SECONDS = 5.0
"""Without a stream an Envoy is gone after this: one whose stream breaks opens another within a second."""
FORGET_SECONDS = 600.0
"""Until what a gone Envoy had is forgotten; one that comes back sooner continues where it was."""


@dataclass(slots=True)
class _Member:
    delivery: Delivery
    streams: int = 0
    heard_at: float = 0.0


class Fleet:
    """All Envoys of one door, by node id. Not safe for threads; times are seconds of any steady clock.

    ``expected``: nothing is in force before these have it, even if they have not been heard of yet.
    """

    def __init__(self, listener: Callable[[str], JSON], expected: Callable[[], frozenset[str]] = frozenset) -> None:
        self._listener, self._expected = listener, expected
        self._members: dict[str, _Member] = {}
        self._newest: Table | None = None
        self._version = ""
        self._traffic: Traffic = {}
        self._told: list[Traffic] = []
        """From whose words ``_traffic`` was made."""

    def publish(self, table: Table) -> None:
        """From now on ``table`` is what should be in force everywhere."""
        self._newest = table
        for member in self._members.values():
            member.delivery.publish(table)

    def joined(self, node: str, now: float) -> Delivery:
        """``node`` opened a stream; returns what decides what it is sent."""
        self._forget(now)
        if node not in self._members:
            self._members[node] = _Member(Delivery(self._listener(node)))
            if self._newest is not None:
                self._members[node].delivery.publish(self._newest)
        member = self._members[node]
        member.streams, member.heard_at = member.streams + 1, now
        member.delivery.begin()
        return member.delivery

    def left(self, node: str, now: float) -> None:
        """A stream of ``node`` ended."""
        if member := self._members.get(node):
            member.streams, member.heard_at = member.streams - 1, now

    def acknowledged(self, now: float) -> Acknowledged:
        """What is in force at every Envoy."""
        told = self.by_node(now)
        complete = self._expected() <= told.keys()
        versions = {one.version for one in told.values()}
        if complete and len(versions) == 1:
            self._version = versions.pop()
        elif self._newest and self._version == self._newest.version and self._strayed(told, self._version):
            self._version = ""
        if complete and told:
            self._traffic = self._agreed(told)
        return Acknowledged(version=self._version, traffic=self._traffic, rejected=_complaints(told))

    def by_node(self, now: float) -> dict[str, Acknowledged]:
        """What each Envoy has that is there; the last one that was, when none is."""
        there = [node for node in self._members if self._is_there(node, now)]
        if not there and self._members:
            there = [max(self._members, key=lambda node: self._members[node].heard_at)]
        return {node: self._members[node].delivery.acknowledged() for node in sorted(there)}

    def has_anybody(self, now: float) -> bool:
        """Whether an Envoy has a stream, or had one a moment ago."""
        return any(self._is_there(node, now) for node in self._members)

    def _is_there(self, node: str, now: float) -> bool:
        member = self._members[node]
        return member.streams > 0 or now - member.heard_at < GRACE_SECONDS

    def _strayed(self, told: dict[str, Acknowledged], version: str) -> bool:
        """Whether anybody answers by another table: this one was wanted once, then another, now it is again."""
        return any(one.version != version and self._members[node].delivery.answers for node, one in told.items())

    def _agreed(self, told: dict[str, Acknowledged]) -> Traffic:
        """Where all who answer requests agree, that; elsewhere what held before. A new Envoy answers nobody yet."""
        if len(told) == 1:
            self._told = []
            return next(iter(told.values())).traffic
        answering = [one.traffic for node, one in told.items() if self._members[node].delivery.answers]
        if not answering or (len(answering) == len(self._told) and all(map(operator.is_, answering, self._told))):
            return self._traffic
        self._told = answering
        if all(one is answering[0] for one in answering):
            return answering[0]
        agreed: Traffic = {}
        for key in {key for traffic in [self._traffic, *answering] for key in traffic}:
            shares = [traffic.get(key) for traffic in answering]
            found = shares[0] if all(one == shares[0] for one in shares) else self._traffic.get(key)
            if found is not None:
                agreed[key] = found
        return agreed

    def _forget(self, now: float) -> None:
        gone = [
            node
            for node, member in self._members.items()
            if member.streams <= 0 and now - member.heard_at > FORGET_SECONDS
        ]
        for node in gone:
            if len(self._members) > 1:
                del self._members[node]


def _complaints(told: dict[str, Acknowledged]) -> str:
    if len(told) == 1:
        return next(iter(told.values())).rejected
    return "; ".join(f"gateway {node}: {one.rejected}" for node, one in told.items() if one.rejected)
