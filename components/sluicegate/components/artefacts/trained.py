"""What training leaves behind, as one directory: the fitted model and all that later steps must know of it.

``trained.json`` (this module's ``Trained``), ``model.joblib``, ``input-example.json`` with the answers that the trainer
saw in ``expected-answers.json``, ``reference-profile.json``, and ``code/`` when the model needs the user's modules.
"""

from pathlib import Path
from typing import Literal

import msgspec

from sluicegate.components.errors import InputRefusedError
from sluicegate.serving.api.metadata import JSON, View
from sluicegate.serving.bundle.manifest import Method, Signature

DESCRIPTION = "trained.json"
MODEL = "model.joblib"
INPUT_EXAMPLE = "input-example.json"
EXPECTED_ANSWERS = "expected-answers.json"
REFERENCE_PROFILE = "reference-profile.json"
CODE = "code"

Task = Literal["classification", "regression"]


class Trained(View, frozen=True, kw_only=True):
    """A fitted model, described."""

    task: Task
    method: Method
    target: str
    signature: Signature
    """Features in order; outputs are class names in the order of the probabilities, or the target's name."""
    versions: dict[str, str]
    """Exact versions of what fitted it: ``scikit-learn``, ``numpy``, ``pandas``, ``python`` …"""
    estimator: str
    parameters: JSON = {}
    rows: int = 0
    data_digest: str = ""

    @property
    def features(self) -> list[str]:
        """Names of the columns that the model takes, in order."""
        return list(self.signature.columns)


def read_trained(directory: Path) -> Trained:
    """Read the description in a trained model's directory.

    Raises:
        InputRefusedError: the directory was not left by the train step.

    """
    try:
        return msgspec.json.decode((directory / DESCRIPTION).read_bytes(), type=Trained)
    except (OSError, msgspec.DecodeError) as error:
        raise InputRefusedError(f"trained: {directory} is not what the train step leaves: {error}") from error


def code_of(directory: Path) -> str:
    """The code that travels with a model, as a path; empty when it needs none."""
    return str(directory / CODE) if (directory / CODE).is_dir() else ""


def read_document(directory: Path, name: str) -> JSON:
    """Read one of the JSON documents beside the model.

    Raises:
        InputRefusedError: it is not there or no JSON object.

    """
    try:
        return msgspec.json.decode((directory / name).read_bytes(), type=JSON)
    except (OSError, msgspec.DecodeError) as error:
        raise InputRefusedError(f"trained: {directory / name}: {error}") from error


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON. NaN becomes null, in which form it survives the wire."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")
