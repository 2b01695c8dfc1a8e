"""One review from its body to its answer: rules, then the trial of the pods, both within the webhook's time.

Fail closed: when the API server cannot be asked, or the caches are not complete, the answer is no, with a sentence.
"""

import asyncio
from collections.abc import Callable, Sequence

from sluicegate.serving.api.errors import FieldError
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.admission.ports import DryRun
from sluicegate.serving.operator.admission.proving import findings_of, without_owners
from sluicegate.serving.operator.admission.reviewing import (
    Findings,
    answer,
    closed,
    examine,
    needs_stored,
    read_review,
)
from sluicegate.serving.operator.admission.subjects import Subject
from sluicegate.serving.operator.errors import ClusterError, NotRenderableError
from sluicegate.serving.reconcile.reviews import Servers, Stored

SECONDS = 8.0
"""Below the webhook's own time-out, so that the writer reads our sentence and not the API server's."""


class Reviewer:
    """Judges bodies. ``missing`` says which caches are not complete yet, or nothing."""

    def __init__(
        self,
        stored: Stored,
        servers: Servers,
        render: Callable[[JSON], Sequence[JSON]],
        dry_run: DryRun,
        missing: Callable[[], str],
        seconds: float = SECONDS,
    ) -> None:
        self._stored, self._servers, self._render = stored, servers, render
        self._dry_run, self.missing, self._seconds = dry_run, missing, seconds

    async def review(self, body: bytes, subject: Subject) -> JSON:
        """The answer to a body; raises BrokenReviewError."""
        request = read_review(body, subject)
        absent = self.missing() if needs_stored(request) else ""
        if absent:
            return closed(request, f"the operator has not seen all {absent} yet, so it cannot judge; try again")
        findings = examine(request, self._stored, self._servers)
        try:
            async with asyncio.timeout(self._seconds):
                proven = await self._proven(findings)
        except TimeoutError:
            return closed(request, f"the trial of the pods took longer than {self._seconds:g} s; try again")
        except ClusterError as error:
            return closed(request, f"the pods could not be tried at the API server ({error}); try again")
        return answer(request, proven)

    async def _proven(self, findings: Findings) -> Findings:
        if findings.pods is None:
            return findings
        try:
            objects = without_owners(self._render(findings.pods.deployment))
        except NotRenderableError as error:
            expected = "predictors that this installation can run"
            wrong = FieldError(path=findings.pods.places[0], found=str(error), expected=expected)
            return findings.with_proven((wrong,), ())
        return findings.with_proven(*findings_of(findings.pods, await self._dry_run.apply(objects)))
