"""The HTTPS door, with real handshakes."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tests.door_rig import RunningDoor
from tests.fakes.admission import FakeDryRun, FakeStored, rendered, review_of
from tests.rule_tables import OWN

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.admission.authority import Pair, issue, make_authority
from sluicegate.serving.operator.admission.door import LARGEST_BODY
from sluicegate.serving.operator.admission.reviewer import Reviewer
from sluicegate.serving.operator.admission.subjects import MODEL_ROLLOUT, SELDON_DEPLOYMENT
from sluicegate.serving.operator.admission.tls import ServedCertificate
from sluicegate.serving.reconcile.reviews import Servers

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
NAME = "hook.system.svc"
SDEP = {"metadata": {"name": "d"}, "spec": {"predictors": [OWN]}}
MISSING: list[str] = []


def broken(_deployment: JSON) -> list[JSON]:
    """A renderer with a bug."""
    raise KeyError("image")


def reviewer(render: object = rendered) -> Reviewer:
    """One that waits for what is in MISSING."""
    return Reviewer(FakeStored(), Servers(), render, FakeDryRun(), lambda: ", ".join(MISSING))  # type: ignore[arg-type]


AUTHORITY = make_authority(NOW, DAY)


@pytest.fixture(autouse=True)
def _nothing_is_missing() -> None:
    MISSING.clear()


@pytest.fixture
def door() -> Iterator[RunningDoor]:
    """An open one."""
    with RunningDoor(reviewer(), ServedCertificate(issue(AUTHORITY, [NAME], NOW, DAY))) as running:
        yield running


def client(door: RunningDoor, authority: Pair = AUTHORITY) -> httpx.Client:
    """As the API server is one: it verifies the name and knows one authority."""
    trusting = ssl.create_default_context(cadata=authority.certificate.decode())
    return httpx.Client(verify=trusting, base_url=f"https://127.0.0.1:{door.port}")


def get(client: httpx.Client, path: str) -> httpx.Response:
    """Ask for the Service by its name."""
    return client.get(path, extensions={"sni_hostname": NAME})


def post(client: httpx.Client, path: str, content: bytes) -> httpx.Response:
    """Send a body to the Service by its name."""
    return client.post(path, content=content, extensions={"sni_hostname": NAME})


def test_a_review_is_answered_at_seldon_cores_own_path(door: RunningDoor) -> None:
    with client(door) as api_server:
        answer = post(api_server, SELDON_DEPLOYMENT.path, review_of(SELDON_DEPLOYMENT, SDEP))

    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["response"]["allowed"]


@pytest.mark.parametrize("subject", [SELDON_DEPLOYMENT, MODEL_ROLLOUT], ids=lambda each: each.kind)
def test_a_broken_review_is_a_bad_request_with_words(door: RunningDoor, subject: object) -> None:
    with client(door) as api_server:
        answer = post(api_server, subject.path, b"{}")  # type: ignore[attr-defined]

    assert (answer.status_code, answer.text) == (
        400,
        "expected an AdmissionReview of admission.k8s.io/v1 with a request\n",
    )


def test_a_body_beyond_bounds_is_not_read(door: RunningDoor) -> None:
    with client(door) as api_server:
        answer = post(api_server, SELDON_DEPLOYMENT.path, b" " * (LARGEST_BODY + 1))

    assert answer.status_code == 413


def test_a_review_of_the_largest_object_is_answered(door: RunningDoor) -> None:
    """3 MiB as sent, and as much stored."""
    large = {**SDEP, "metadata": {"name": "d", "annotations": {"note": "x" * 3 * 1024 * 1024}}}

    with client(door) as api_server:
        answer = post(api_server, SELDON_DEPLOYMENT.path, review_of(SELDON_DEPLOYMENT, large, large))

    assert answer.json()["response"]["allowed"]


def test_ready_is_said_when_the_caches_are_complete(door: RunningDoor) -> None:
    with client(door) as kubelet:
        assert get(kubelet, "/readyz").status_code == 200
        MISSING.append("ModelRollouts")

        waiting = get(kubelet, "/readyz")

        assert (waiting.status_code, waiting.text) == (503, "waits for ModelRollouts\n")
        assert get(kubelet, "/livez").status_code == 200


def test_a_fault_of_ours_is_told_without_its_inside() -> None:
    """The API server refuses then, as failurePolicy says."""
    with (
        RunningDoor(reviewer(broken), ServedCertificate(issue(AUTHORITY, [NAME], NOW, DAY))) as door,
        client(door) as api_server,
    ):
        answer = post(api_server, SELDON_DEPLOYMENT.path, review_of(SELDON_DEPLOYMENT, SDEP))

    assert (answer.status_code, answer.text) == (500, "the operator failed at this review; its log says how\n")


def test_a_new_certificate_is_served_without_losing_a_connection(door: RunningDoor) -> None:
    """The next handshake sees the new one; a connection of before goes on."""
    other = make_authority(NOW, DAY)
    with client(door) as before, client(door, other) as after:
        assert get(before, "/livez").status_code == 200
        with pytest.raises(httpx.ConnectError):
            get(after, "/livez")

        door.certificate.use(issue(other, [NAME], NOW, DAY))

        assert get(after, "/livez").status_code == 200
        assert get(before, "/livez").status_code == 200


def test_a_broken_certificate_changes_nothing(door: RunningDoor) -> None:
    one, other = issue(AUTHORITY, [NAME], NOW, DAY), issue(AUTHORITY, [NAME], NOW, DAY)

    with pytest.raises(ssl.SSLError):
        door.certificate.use(Pair(certificate=one.certificate, key=other.key))

    with client(door) as api_server:
        assert get(api_server, "/livez").status_code == 200
