"""Run in each environment: train the models of the workloads, and write what scikit-learn itself answers.

``python train.py DIRECTORY``. The data are the same everywhere; a model is served by the scikit-learn that fitted it.
"""

import json
import sys
from pathlib import Path

import joblib
import numpy as np
from own_predict import OwnLogisticRegression
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

RANDOM = np.random.default_rng(7)


def table(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Three classes, none of them easy."""
    centres = RANDOM.normal(size=(3, columns))
    labels = RANDOM.integers(3, size=rows)
    return np.round(centres[labels] + RANDOM.normal(size=(rows, columns)), 3), labels


def main(directory: Path) -> None:
    """One folder a model: ``model.joblib`` and ``asked.json`` with rows and answers."""
    narrow, labels = table(600, 4)
    wide, wide_labels = table(1200, 100)
    models = {
        "lr": (LogisticRegression().fit(narrow, labels), narrow[:1]),
        "lr-own": (OwnLogisticRegression().fit(narrow, labels), narrow[:1]),
        "forest": (RandomForestClassifier(100, random_state=0).fit(narrow, labels), narrow[:1]),
        "wide": (LogisticRegression(max_iter=500).fit(wide, wide_labels), wide[:1000]),
    }
    for name, (model, rows) in models.items():
        folder = directory / name
        folder.mkdir(parents=True, exist_ok=True)
        joblib.dump(model, folder / "model.joblib")
        asked = {"rows": rows.tolist(), "answers": model.predict(rows).tolist()}
        (folder / "asked.json").write_text(json.dumps(asked))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
