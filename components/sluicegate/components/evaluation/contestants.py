"""A model under comparison, whether it comes from training or from a bundle: the same questions, the same answers."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sluicegate.components.artefacts.models import answers, load_model
from sluicegate.components.artefacts.tables import require_columns
from sluicegate.components.artefacts.trained import MODEL, code_of, read_trained
from sluicegate.components.errors import InputRefusedError, NotAnsweredError
from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.bundle.manifest import Method, Signature
from sluicegate.serving.bundle.reading import read_bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """Where a model lies and how to ask it."""

    name: str
    model: Path
    code: str
    method: Method
    signature: Signature
    own_process: bool
    """Ask it in a process of its own: two models may bring different code under the same module names."""

    def answer(self, frame: pd.DataFrame) -> npt.NDArray[Any]:
        """Answers for a table that has at least its columns.

        Raises:
            InputRefusedError: a column is missing, or the model does not load.
            NotAnsweredError: the model raises on these rows, for instance because a value is missing.

        """
        columns = list(self.signature.columns)
        require_columns(frame, columns, argument=self.name)
        if self.own_process:
            return _in_own_process(self, frame[columns])
        model = load_model(self.model, self.code)
        try:
            return answers(model, self.method, frame[columns])
        except Exception as error:  # a model's code may raise anything
            raise NotAnsweredError(f"{self.name} raises on held-out rows: {_first_line(error)}") from error


def from_trained(directory: Path) -> Contestant:
    """What the train step left."""
    described = read_trained(directory)
    return Contestant(
        name="trained",
        model=directory / MODEL,
        code=code_of(directory),
        method=described.method,
        signature=described.signature,
        own_process=False,
    )


def from_bundle(directory: Path) -> Contestant:
    """A packaged model.

    Raises:
        InputRefusedError: no bundle, or none of scikit-learn, lies there.

    """
    try:
        manifest = read_bundle(directory).manifest
    except BundleRefused as error:
        raise InputRefusedError(f"champion_bundle: {directory}: {error}") from error
    if not manifest.model:
        raise InputRefusedError(
            f"champion_bundle: {directory} holds no model file; only such a champion can be compared"
        )
    return Contestant(
        name=f"version {manifest.version} of {manifest.name}",
        model=directory / manifest.model,
        code=str(directory / manifest.code) if manifest.code else "",
        method=manifest.method,
        signature=manifest.signature,
        own_process=bool(manifest.code),
    )


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _in_own_process(contestant: Contestant, frame: pd.DataFrame) -> npt.NDArray[Any]:
    with tempfile.TemporaryDirectory() as directory:
        table, found = Path(directory, "rows.parquet"), Path(directory, "answers.npy")
        frame.reset_index(drop=True).to_parquet(table)
        task = {
            "model": str(contestant.model), "code": contestant.code, "method": contestant.method,
            "table": str(table), "answers": str(found),
        }  # fmt: skip
        command = [sys.executable, "-m", "sluicegate.components.evaluation.answering", json.dumps(task)]
        outcome = subprocess.run(command, check=False, capture_output=True, text=True)
        if outcome.returncode:
            last = (outcome.stderr.strip().splitlines() or ["no message"])[-1]
            raise NotAnsweredError(f"{contestant.name} raises on held-out rows: {last}")
        return np.asarray(np.load(found, allow_pickle=False))
