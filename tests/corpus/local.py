"""Runs workflows of the corpus with the local runner, several at a time, and gives back what it made of them."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.corpus.files import Case
from tests.corpus.recording import recording
from tests.fakes.object_actions import FakeObjectActions

from sluicegate.pipelines.workflows.errors import ManifestError
from sluicegate.pipelines.workflows.library import build
from sluicegate.pipelines.workflows.neighbours import Beside
from sluicegate.pipelines.workflows.reading import read
from sluicegate.pipelines.workflows.running import Run, execute

JSON = dict[str, Any]
UID = "a-uid"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the local runner made of a workflow: a recording, or why it refused it."""

    recording: JSON
    refusal: str = ""


async def run_all(cases: list[Case], directory: Path, width: int = 12) -> dict[str, Outcome]:
    """All of them; the outcomes by name."""
    places = asyncio.Semaphore(width)

    async def one(case: Case) -> Outcome:
        async with places:
            return await run_one(case, directory / case.name)

    return dict(zip([case.name for case in cases], await asyncio.gather(*map(one, cases)), strict=True))


async def run_one(case: Case, directory: Path) -> Outcome:
    """One of them."""
    try:
        beside = Beside.of((case.name, document) for document in case.beside)
        library = build(read(case.workflow), beside, {})
        # Containers find sh and python3 on the PATH of this machine, as they do in the image.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        run = Run(
            name=case.name, library=library, directory=directory, objects=FakeObjectActions(),
            environment={"PATH": path}, uid=UID,
        )  # fmt: skip
        _, _, status = await execute(run)
    except ManifestError as error:
        return Outcome({}, str(error))
    return Outcome(recording(status, UID))
