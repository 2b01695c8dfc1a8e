"""A batch from its first row to its output: so many requests at a time, each item's answer written once.

Killed at any moment, the journal holds what was answered; the same command goes on from there. What was under way then
is asked again, under the same ids, but stands in the output once.
"""

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from sluicegate.serving.client.batch.items import Input, Item
from sluicegate.serving.client.batch.journal import Journal
from sluicegate.serving.client.batch.messages import (
    Form,
    answers_of,
    failure_of,
    instance_id,
    joinable,
    request_of,
)
from sluicegate.serving.client.batch.sending import Posting, Sender
from sluicegate.serving.client.errors import BatchRefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a batch is run: ``workers`` requests at a time of up to ``batch_size`` items, ``interval`` seconds apart.

    ``address`` is a URL; with ``grpc`` HOST:PORT, and ``metadata`` leads to the deployment.
    """

    address: str
    grpc: bool = False
    tls: bool = False
    metadata: tuple[tuple[str, str], ...] = ()
    form: Form
    workers: int = 1
    retries: int = 3
    batch_size: int = 1
    interval: float = 0.0
    timeout: float = 30.0
    token: str = ""
    verify: bool = True


def checked(source: Input, form: Form) -> int:
    """How many items there are, each of which can be sent. Raises BatchRefusedError for the first that cannot."""
    count = 0
    for item in source.items():
        request_of([item], form)
        count += 1
    return count


class Batch:
    """One run. ``progress`` is told how many items were answered, and how many of them failed, after each request."""

    def __init__(self, plan: Plan, source: Input, journal: Journal, progress: Callable[[int, int], None]) -> None:
        self._plan, self._source, self._journal, self._progress = plan, source, journal, progress
        self.stopping = False
        """Set by whoever was interrupted: what is under way is finished, nothing more is begun."""

    async def run(self) -> None:
        """Until all are answered, or stopped. Raises OSError if the journal cannot be written."""
        queue = _requests(self._left(), self._plan)
        try:
            async with self._sender() as sender, asyncio.TaskGroup() as group:
                for _ in range(self._plan.workers):
                    group.create_task(self._work(sender, queue))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors

    def _left(self) -> Iterator[Item]:
        return (item for item in self._source.items() if item.index not in self._journal.done)

    async def _work(self, sender: Sender, queue: Iterator[list[Item]]) -> None:
        while not self.stopping:
            items = next(queue, None)
            if items is None:
                return
            for item, answer, ok in await self._answered(sender, items):
                self._journal.write(item.index, answer, ok=ok)
            self._progress(len(self._journal.done), self._journal.failed)
            if self._plan.interval:
                await asyncio.sleep(self._plan.interval)

    async def _answered(self, sender: Sender, items: list[Item]) -> list[tuple[Item, dict[str, Any], bool]]:
        form = self._plan.form
        outcome = await sender.send(request_of(items, form), instance_id(form.batch_id, items[0].index))
        if outcome.answer is None:
            return [(item, failure_of(outcome.code, outcome.info, item, form), False) for item in items]
        try:
            found = answers_of(outcome.answer, items, form)
        except BatchRefusedError as error:
            return [(item, failure_of(outcome.code, str(error), item, form), False) for item in items]
        return [(item, answer, True) for item, answer in zip(items, found, strict=True)]

    @asynccontextmanager
    async def _sender(self) -> AsyncIterator[Sender]:
        plan = self._plan
        if plan.grpc:
            calling = importlib.import_module("sluicegate.serving.client.batch.calling").calling
            known = {"feedback": plan.form.feedback, "tls": plan.tls, "seconds": plan.timeout}
            async with calling(plan.address, plan.metadata, **known) as ask:
                yield Sender(ask, retries=plan.retries)
            return
        headers = {"authorization": f"Bearer {plan.token}"} if plan.token else {}
        limits = httpx.Limits(max_connections=plan.workers, max_keepalive_connections=plan.workers)
        async with httpx.AsyncClient(
            headers=headers, timeout=plan.timeout, limits=limits, verify=plan.verify, trust_env=False
        ) as client:
            yield Sender(Posting(client, plan.address), retries=plan.retries)


def _requests(items: Iterator[Item], plan: Plan) -> Iterator[list[Item]]:
    """Items that go together: up to ``batch_size`` with the same columns."""
    together: list[Item] = []
    for item in items:
        if together and (len(together) >= plan.batch_size or not joinable(together, item, plan.form)):
            yield together
            together = []
        together.append(item)
    if together:
        yield together
