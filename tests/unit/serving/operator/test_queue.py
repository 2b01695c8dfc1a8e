"""The work queue: once each, by one worker at a time, and again when it failed or was named meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from sluicegate.serving.operator.cluster.queue import WorkQueue

A, B = ("default", "a"), ("default", "b")


async def worked(queue: WorkQueue, handle: Callable[..., Awaitable[None]], enough: Callable[[], bool]) -> None:
    """Let two workers run until ``enough``."""
    workers = [asyncio.create_task(queue.work(handle)) for _ in range(2)]
    async with asyncio.timeout(5):
        while not enough():
            await asyncio.sleep(0)
    for worker in workers:
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker


def test_a_key_that_is_named_often_is_handled_once() -> None:
    async def scenario() -> list:
        queue, handled = WorkQueue(), []

        async def handle(key) -> None:
            handled.append(key)

        for key in (A, B, A, A, B):
            queue.add(key)
        await worked(queue, handle, lambda: len(handled) >= 2)
        assert len(queue) == 0
        return handled

    assert asyncio.run(scenario()) == [A, B]


def test_a_key_named_while_it_is_handled_comes_again_and_never_twice_at_a_time() -> None:
    async def scenario() -> tuple[int, int]:
        queue, running, most, times = WorkQueue(), 0, 0, 0

        async def handle(key) -> None:
            nonlocal running, most, times
            running, times = running + 1, times + 1
            most = max(most, running)
            if times < 3:
                queue.add(key)
            await asyncio.sleep(0)
            running -= 1

        queue.add(A)
        await worked(queue, handle, lambda: times >= 3 and running == 0)
        return most, times

    assert asyncio.run(scenario()) == (1, 3)


def test_a_failed_key_comes_again_and_the_others_go_on() -> None:
    async def scenario() -> list:
        queue, handled = WorkQueue(), []

        async def handle(key) -> None:
            handled.append(key)
            if handled.count(A) == 1 and key == A:
                raise RuntimeError("once")

        queue.add(A)
        queue.add(B)
        await worked(queue, handle, lambda: handled.count(A) == 2)
        return handled

    assert asyncio.run(scenario()) == [A, B, A]


def test_the_sooner_of_two_appointments_counts() -> None:
    async def scenario() -> list:
        queue, handled = WorkQueue(), []

        async def handle(key) -> None:
            handled.append(key)

        queue.add_after(A, 60.0)
        queue.add_after(A, 0.01)
        queue.add_after(A, 60.0)
        await worked(queue, handle, lambda: bool(handled))
        return handled

    assert asyncio.run(scenario()) == [A]
