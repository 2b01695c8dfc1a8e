"""One certificate that several replicas keep, in years that pass at once."""

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.fakes.admission import FakeSecrets, FakeWebhookConfigurations
from tests.fakes.clock import FakeClock

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.admission.authority import Pair, read_certificates
from sluicegate.serving.operator.admission.certificates import KEYS, Decision, Periods, holding_of
from sluicegate.serving.operator.admission.configuration import Door, webhook_configuration
from sluicegate.serving.operator.admission.keeping import SECRET, Identity, KeptCertificate
from sluicegate.serving.operator.errors import UnreachableError

PERIODS = Periods()
IDENTITY = Identity(service="hook", namespace="system", configuration="sluicegate")
DAY = 86_400.0


class Cluster:
    """A Secret, a configuration, a clock, and as many replicas as one asks for."""

    def __init__(self) -> None:
        self.secrets, self.clock = FakeSecrets(), FakeClock()
        self.webhooks = FakeWebhookConfigurations(webhook_configuration(Door()))
        self.told: list[Decision] = []

    def round(self) -> Pair:
        """A replica's look at everything; returns what it serves then."""
        tell = self.told.append
        kept = KeptCertificate(self.secrets, self.webhooks, self.clock, IDENTITY, PERIODS, tell)
        return asyncio.run(kept.current())

    @property
    def secret(self) -> JSON:
        """What is stored."""
        return self.secrets.stored[("system", SECRET)]

    def trusts(self, pair: Pair) -> bool:
        """Whether the API server would go on with a handshake that shows this certificate."""
        now = datetime.fromtimestamp(self.clock.now(), UTC)
        (served,) = read_certificates(pair.certificate)
        living = [each for each in read_certificates(self.webhooks.bundle) if each.is_valid(now)]
        return served.is_valid(now) and any(served.is_from(each) for each in living)


@pytest.fixture
def cluster() -> Cluster:
    """An empty one."""
    return Cluster()


def test_the_first_replica_makes_it_and_all_serve_the_same(cluster: Cluster) -> None:
    first, second = cluster.round(), cluster.round()

    assert first == second
    assert cluster.trusts(first)
    assert [each.act for each in cluster.told] == ["MakeAnew"]
    assert "hook.system.svc" in read_certificates(first.certificate)[0].names


def test_a_replica_that_comes_second_takes_the_firsts(cluster: Cluster) -> None:
    """Both found none; the other was quicker."""
    others: list[Pair] = []
    cluster.secrets.before_write = lambda: others.append(_in_a_thread(cluster.round))

    assert cluster.round() == others[0]
    assert len(cluster.told) == 1


def _in_a_thread(work: Callable[[], Pair]) -> Pair:
    """With an event loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def test_nothing_is_written_while_nothing_is_due(cluster: Cluster) -> None:
    cluster.round()
    before = cluster.secret["metadata"]["resourceVersion"]

    for _ in range(50):
        cluster.clock.advance(DAY)
        cluster.round()

    assert cluster.secret["metadata"]["resourceVersion"] == before
    assert cluster.webhooks.writes == 1


def test_the_serving_certificate_is_renewed_at_two_thirds_of_its_life(cluster: Cluster) -> None:
    """By the same authority: the API server need not learn anything."""
    first = cluster.round()
    cluster.clock.advance(60 * DAY)

    second = cluster.round()

    assert second != first
    assert cluster.trusts(second)
    assert (cluster.told[-1].act, cluster.told[-1].is_repair, cluster.webhooks.writes) == ("Issue", False, 1)


def test_an_authority_goes_in_three_steps_that_wait_for_each_other(cluster: Cluster) -> None:
    before = [cluster.round()]
    for _ in range(4):
        cluster.clock.advance(59 * DAY)
        before.append(cluster.round())
    cluster.clock.advance(8 * DAY)

    steps = []
    for _ in range(6):
        cluster.round()
        steps.append(cluster.told[-1].act)
        cluster.clock.advance(PERIODS.settle.total_seconds() / 2)

    assert steps[0] == "AddAuthority"
    assert steps[2] == "Issue"
    assert steps[4] == "RetireAuthorities"
    assert len(holding_of(cluster.secret).authorities) == 1


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", [None, "", "%%%", base64.b64encode(b"garbage").decode(), 3])
def test_a_broken_secret_is_mended_and_told(cluster: Cluster, key: str, value: object) -> None:
    """Half written, or garbage."""
    cluster.round()
    cluster.secrets.put(cluster.secret | {"data": cluster.secret["data"] | {key: value}})

    mended = cluster.round()

    assert cluster.trusts(mended)
    assert cluster.told[-1].is_repair
    assert cluster.told[-1].act == ("Issue" if key.startswith("tls") else "MakeAnew")


@pytest.mark.parametrize("data", [None, {}, {"data": None}], ids=str)
def test_a_secret_without_data_is_filled(cluster: Cluster, data: JSON | None) -> None:
    """Somebody made it by hand, of another type; the type cannot be changed."""
    metadata = {"name": SECRET, "namespace": "system", "labels": {"mine": "yes"}}
    cluster.secrets.put({"metadata": metadata, "type": "Opaque"} | (data or {}))

    assert cluster.trusts(cluster.round())
    assert (cluster.secret["type"], cluster.secret["metadata"]["labels"]) == ("Opaque", {"mine": "yes"})


@pytest.mark.parametrize("days", [91, 400], ids=["serving-expired", "all-expired"])
def test_what_expired_while_nobody_ran_is_made_anew(cluster: Cluster, days: int) -> None:
    cluster.round()
    cluster.clock.advance(days * DAY)

    assert cluster.trusts(cluster.round())
    assert cluster.told[-1].is_repair


def test_a_clock_that_was_set_back_is_no_reason_to_fail(cluster: Cluster) -> None:
    cluster.round()
    cluster.clock.advance(-DAY)

    assert cluster.trusts(cluster.round())


def test_another_service_name_gets_another_certificate(cluster: Cluster) -> None:
    cluster.round()
    other = Identity(service="other", namespace="system", configuration="sluicegate")
    kept = KeptCertificate(cluster.secrets, cluster.webhooks, cluster.clock, other, PERIODS, cluster.told.append)

    pair = asyncio.run(kept.current())

    assert cluster.trusts(pair)
    assert "other.system.svc" in read_certificates(pair.certificate)[0].names


def test_a_configuration_that_lost_its_bundle_gets_it_again(cluster: Cluster) -> None:
    """Somebody installed the manifests anew."""
    pair = cluster.round()
    cluster.webhooks.configuration = webhook_configuration(Door())

    cluster.round()

    assert cluster.trusts(pair)
    bundles = [each["clientConfig"].get("caBundle") for each in cluster.webhooks.configuration["webhooks"]]
    assert len(set(bundles)) == 1


def test_a_configuration_that_is_not_installed_is_no_reason_not_to_serve(cluster: Cluster) -> None:
    cluster.webhooks.configuration = None

    assert cluster.round().certificate.startswith(b"-----BEGIN CERTIFICATE")


def test_an_api_server_that_is_away_is_said(cluster: Cluster) -> None:
    cluster.secrets.away = True

    with pytest.raises(UnreachableError):
        cluster.round()


class Replicas(RuleBasedStateMachine):
    """Two replicas and an API server that follow late, for years; a served certificate is always a trusted one.

    Each looks at least once in ``settle``: what either of them saw last is at most that old.
    """

    @initialize()
    def begin(self) -> None:
        """All are up."""
        self.cluster = Cluster()
        self.serving = [self.cluster.round()] * 2
        self.trusted = self.cluster.webhooks.bundle

    @rule(replica=st.integers(0, 1))
    def look(self, replica: int) -> None:
        """A replica looks again."""
        self.serving[replica] = self.cluster.round()

    @rule()
    def follow(self) -> None:
        """The API server reads the configuration."""
        self.trusted = self.cluster.webhooks.bundle

    @rule(days=st.floats(0, 12))
    def idle(self, days: float) -> None:
        """Time passes, and everybody looks before and after.

        A certificate has 30 days left when it is due, and one that is due together with its authority waits for a look
        more: with two pauses of more than 15 days it would run out, which nobody's would who looks each hour.
        """
        self._everybody()
        self.cluster.clock.advance(days * DAY)
        self._everybody()

    @rule(share=st.floats(0, 0.99))
    def wait(self, share: float) -> None:
        """A part of the time to settle passes, at the end of which nobody is further behind than that."""
        self._everybody()
        self.cluster.clock.advance(share * PERIODS.settle.total_seconds())

    def _everybody(self) -> None:
        self.follow()
        self.look(0)
        self.look(1)

    @invariant()
    def served_is_trusted(self) -> None:
        """By what the API server saw last."""
        now = datetime.fromtimestamp(self.cluster.clock.now(), UTC)
        for pair in self.serving:
            (served,) = read_certificates(pair.certificate)
            trusted = [each for each in read_certificates(self.trusted) if each.is_valid(now)]
            assert any(served.is_from(each) for each in trusted)
            assert served.is_valid(now)

    @invariant()
    def nothing_was_mended(self) -> None:
        """Rotations are no repairs."""
        assert not any(each.is_repair for each in self.cluster.told)

    @invariant()
    def the_bundle_stays_small(self) -> None:
        """Former authorities leave."""
        assert len(holding_of(self.cluster.secret).authorities) <= 2


TestReplicas = Replicas.TestCase
TestReplicas.settings = settings(max_examples=15, stateful_step_count=60, deadline=None)
