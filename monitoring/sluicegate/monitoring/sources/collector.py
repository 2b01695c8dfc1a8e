"""Questions to the collector, for judges and steps. Each is one HTTP request; an answer that cannot be had raises.

An unreachable collector must never look like a rollout without requests, so there is no default and no empty value.
"""

from typing import Any

import httpx

from sluicegate.monitoring.analysis.series import Series
from sluicegate.monitoring.sources.errors import MalformedError, RefusedError, UnreachableError
from sluicegate.monitoring.sources.series_json import read_series

TIMEOUT_SECONDS = 5.0


def fetch_series(
    base_url: str,
    *,
    namespace: str,
    deployment: str,
    stable: str,
    candidate: str,
    start: float,
    step_start: float,
    threshold_ms: float,
) -> Series:
    """Every whole second from ``start`` (Unix seconds) until now of two predictors of a deployment.

    Raises:
        UnreachableError: the collector does not answer.
        RefusedError: it knows no such time span, or a parameter is wrong.
        MalformedError: it answered something else.

    """
    parameters = {
        "namespace": namespace,
        "deployment": deployment,
        "stable": stable,
        "candidate": candidate,
        "start": start,
        "stepStart": step_start,
        "thresholdMs": threshold_ms,
    }
    return read_series(_get(base_url, "/v1/series", parameters))


def fetch_summary(base_url: str, *, namespace: str, deployment: str) -> dict[str, Any]:
    """Totals of a deployment by predictor and by pair of predictors, as the collector keeps them.

    Raises:
        SourceError: as ``fetch_series``; a deployment of which nothing was seen is a ``RefusedError``.

    """
    return _get(base_url, f"/v1/deployments/{namespace}/{deployment}", {})


def fetch_drift(base_url: str, *, namespace: str, deployment: str, predictor: str) -> dict[str, float]:
    """Newest drift score by feature, in units of its own alarm threshold; empty before enough rows were seen.

    Raises:
        SourceError: as ``fetch_summary``.

    """
    answer = _get(base_url, f"/v1/deployments/{namespace}/{deployment}/drift", {"predictor": predictor})
    scores = answer.get("predictors", {}).get(predictor, {}).get("scores", {})
    return {str(feature): float(score) for feature, score in scores.items()}


def fetch_evidence(base_url: str, *, namespace: str, rollout: str) -> bytes | None:
    """The evidence that is kept of a rollout; None when there is none.

    Raises:
        SourceError: as ``fetch_summary``.

    """
    answer = _ask(base_url, "GET", f"/v1/evidence/{namespace}/{rollout}")
    return None if answer.status_code == 404 else _good(answer).content


def store_evidence(base_url: str, document: bytes, *, namespace: str, rollout: str) -> None:
    """Keep a rollout's evidence in place of what was kept before.

    Raises:
        SourceError: as ``fetch_summary``.

    """
    _good(_ask(base_url, "PUT", f"/v1/evidence/{namespace}/{rollout}", content=document))


def _get(base_url: str, path: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return _object(_good(_ask(base_url, "GET", path, params=parameters)))


def _ask(base_url: str, method: str, path: str, **more: Any) -> httpx.Response:
    url = base_url.rstrip("/") + path
    try:
        # To load the certificates takes twenty milliseconds for each look, and plain HTTP has no use for them.
        tls = url.startswith("https:")
        answer = httpx.request(method, url, timeout=TIMEOUT_SECONDS, trust_env=False, verify=tls, **more)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise UnreachableError(
            f"collector at {base_url}: {error or type(error).__name__}; "
            "see whether it runs (`sluicegate status`) and whether SLUICEGATE_COLLECTOR names its address"
        ) from error
    if answer.status_code >= 500 or answer.status_code == 429:
        raise UnreachableError(f"collector at {url}: status {answer.status_code}, {_message(answer)}; try again")
    return answer


def _good(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        raise RefusedError(f"collector at {answer.url}: {_message(answer)}")
    return answer


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        value = answer.json()
    except ValueError as error:
        raise MalformedError(f"{answer.url}: the answer is no JSON; is this the collector's address?") from error
    if not isinstance(value, dict):
        raise MalformedError(f"{answer.url}: the answer is no JSON object; is this the collector's address?")
    return value


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
