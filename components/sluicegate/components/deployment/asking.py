"""Asks the gateway with a bundle's example and reads what comes back."""

import httpx
import numpy as np

from sluicegate.components.deployment.manifest import served_digests
from sluicegate.components.deployment.releasing import Deployments
from sluicegate.components.errors import GateNotPassedError, ServiceUnreachableError
from sluicegate.serving.api.seldon_deployment import KIND
from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.bundle.reading import Bundle
from sluicegate.serving.bundle.verification import compare_answers
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.protocol.seldon import message_from, parse


def serves_alone(objects: Deployments, deployment: str, namespace: str, digest: str) -> bool:
    """Whether every answer to a user comes from this bundle: no other predictor, no rollout on its way."""
    found = objects.get(KIND, deployment, namespace=namespace)
    return served_digests(found) == [digest] and not found.get("status", {}).get("rolloutId")


def ask(gateway: str, deployment: str, namespace: str, bundle: Bundle) -> Message:
    """Send the example as any client would.

    Raises:
        ServiceUnreachableError: nobody answers there.
        GateNotPassedError: the answer is no 200 or no message.

    """
    url = f"{gateway}/seldon/{namespace}/{deployment}/api/v1.0/predictions"
    example = bundle.path(bundle.manifest.input_example).read_bytes()
    try:
        answer = httpx.post(url, content=example, headers={"content-type": "application/json"}, timeout=10.0)
    except httpx.TransportError as error:
        raise ServiceUnreachableError(f"the gateway at {gateway} does not answer: {error}") from error
    if answer.status_code != 200:
        raise GateNotPassedError(f"{url}: found {answer.status_code} {answer.text[:200]}; expected 200")
    return message_from(parse(answer.content))


def check(answer: Message, bundle: Bundle, *, compare: bool) -> int:
    """Rows answered.

    Raises:
        GateNotPassedError: another number of rows than asked, or (``compare``) another answer than the trainer saw.

    """
    expected = bundle.answers()
    if expected is None or not isinstance(expected.content, np.ndarray) or not isinstance(answer.content, np.ndarray):
        raise GateNotPassedError("found an answer without rows; expected one row for each of the example's")
    if len(answer.content) != len(expected.content):
        raise GateNotPassedError(f"found {len(answer.content)} answers; expected {len(expected.content)}")
    if compare:
        try:
            compare_answers(expected, answer, "answers through the gateway")
        except BundleRefused as error:
            raise GateNotPassedError(str(error)) from error
    return len(answer.content)
