"""Whether a node is tried again after an attempt, and after which pause: pure."""

from dataclasses import dataclass

from sluicegate.pipelines.workflows.expressions import duration_seconds
from sluicegate.pipelines.workflows.exprlang.evaluating import evaluate_truth
from sluicegate.pipelines.workflows.nodes import Node
from sluicegate.pipelines.workflows.parts import Backoff, RetryStrategy
from sluicegate.pipelines.workflows.templating import environment

_POLICIES = {
    "Always": {"Failed", "Error"},
    "OnFailure": {"Failed"},
    "OnError": {"Error"},
    "OnTransientError": set[str](),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What follows an attempt that did not succeed: another after ``pause`` seconds, or the end with a message."""

    pause: float | None = None
    message: str = ""


def after(strategy: RetryStrategy, attempts: int, last: Node, elapsed: float, lasted: float) -> Next:
    """Decide after ``attempts`` attempts of which the last one failed; ``elapsed`` seconds since the first began.

    Raises ExpressionError when the strategy's expression cannot be evaluated.
    """
    backoff = strategy.backoff
    pause = _pause(backoff, attempts) if backoff else 0.0
    if backoff and backoff.max_duration:
        limit = duration_seconds(backoff.max_duration)
        if elapsed > limit:
            return Next(message="Max duration limit exceeded")
        if elapsed + pause > limit:
            return Next(message="Backoff would exceed max duration limit")
    if last.phase not in _POLICIES[policy(strategy)]:
        return Next(message=last.message)
    if strategy.limit is not None and attempts > int(strategy.limit):
        return Next(message="No more retries left")
    if strategy.expression and not evaluate_truth(strategy.expression, environment(last_retry(last, lasted))):
        return Next(message="retryStrategy.expression evaluated to false")
    return Next(pause=pause)


def policy(strategy: RetryStrategy) -> str:
    """The policy; with an expression and none named, everything is tried again that the expression allows."""
    return strategy.retry_policy or ("Always" if strategy.expression else "OnFailure")


def last_retry(last: Node | None, lasted: float) -> dict[str, str]:
    """``lastRetry.…`` for the next attempt, and for the expression."""
    code = last.exit_code if last and last.exit_code is not None else None
    missing = "-1" if last else "0"
    return {
        "lastRetry.exitCode": str(code) if code is not None else missing,
        "lastRetry.status": last.phase if last else "",
        "lastRetry.message": last.message if last else "",
        "lastRetry.duration": f"{lasted:.0f}",
    }


def _pause(backoff: Backoff, attempts: int) -> float:
    base = duration_seconds(backoff.duration)
    factor = float(str(backoff.factor)) if backoff.factor is not None else 0.0
    pause = base * factor ** (attempts - 1) if factor > 0 else base
    return min(pause, duration_seconds(backoff.cap)) if backoff.cap else pause
