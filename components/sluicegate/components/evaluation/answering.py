"""Asks one model for answers in a process of its own; ``contestants`` starts it with one JSON argument."""

import json
import sys
from pathlib import Path

import numpy as np

from sluicegate.components.artefacts.code import importable
from sluicegate.components.artefacts.models import answers, load_model
from sluicegate.components.artefacts.tables import read_table


def main(task: dict[str, str]) -> None:
    """Load the model, answer the table, save the answers; text answers become fixed-width text."""
    with importable(task["code"]):
        model = load_model(Path(task["model"]), task["code"])
        found = answers(model, task["method"], read_table(Path(task["table"])))  # type: ignore[arg-type]  # checked by the manifest
    np.save(task["answers"], found.astype(str) if found.dtype == object else found, allow_pickle=False)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
