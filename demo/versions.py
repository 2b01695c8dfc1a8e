"""Versions of the model, and the pipeline parameters that make each of them.

1 first release, 2 a better one, 3 reads the column whose live unit is wrong, 4 cannot bear a missing pressure,
5 depends on a feed that will fall silent, 6 is what retraining makes.
"""

import json
from pathlib import Path
from typing import Any

from demo.commands import ROOT
from demo.models import FEATURES

MODEL = DEPLOYMENT = "flights"
WINTER = ("2013-02-11", "2013-03-01")
SUMMER = ("2013-06-01", "2013-06-30")
LEARNED = {"first": "2013-01-01", "last": "2013-02-10"}
RECENT = {"first": "2013-04-01", "last": "2013-05-31"}
MISSING = ("temp", "pressure", "visib")
"""What version 4 cannot bear to be missing: its author dropped those rows."""

CAREFUL = {"max_leaf_nodes": 6, "min_samples_leaf": 200, "learning_rate": 0.2, "max_iter": 40, "l2_regularization": 5}
"""Small trees: with forty days of weather, larger ones learn single days by heart, and the judge finds it out."""

PLAN: dict[str, Any] = {"bake": 8.0, "lease": 8.0, "maxDuration": 300.0}
"""All else is the default plan: mirror, then 1, 5, 25, 50, 100 percent. Bake and lease are short, as the demonstration
is; their defaults are ten minutes and half a minute."""


LADDER = [0, 1, 5, 25, 50, 100]
"""Weights of the default plan."""


def shorter(*weights: int, **changes: Any) -> dict[str, Any]:
    """The plan with a ladder of fewer weights, after the mirror."""
    climb: list[dict[str, Any]] = []
    for weight in weights:
        climb += [{"setWeight": weight}, {"analysis": {}}]
    mirror = [{"setMirrorRoute": {"percentage": 100}}, {"analysis": {"minSampleSize": 500}}]
    return {**PLAN, "steps": [*mirror, *climb], **changes}


def weights(plan: dict[str, Any]) -> list[int]:
    """What a candidate gets on its way, in percent; the mirror is 0."""
    return [0, *(step["setWeight"] for step in plan["steps"] if "setWeight" in step)] if plan.get("steps") else LADDER


def parameters(kind: str, *, plan: dict[str, Any]) -> dict[str, Any]:
    """Parameters of the delivery pipeline for one kind of model (a key of ``FEATURES``)."""
    linear = kind in {"first", "raises"}
    loader = {**LEARNED, "complete": MISSING} if kind == "raises" else LEARNED
    return {
        "model": MODEL,
        "loader": "demo.flights:training_rows",
        "loader_parameters": loader,
        "time_columns": ["day"],
        "time_column": "day",
        "features": list(FEATURES[kind]),
        "target": "late",
        "estimator": f"demo.models:{'linear' if linear else 'boosted'}",
        "parameters": {} if linear else {**CAREFUL, "learning_rate": 0.22} if kind == "feed" else CAREFUL,
        "held_out_share": 0.08,
        "at_least": {"roc_auc": 0.8},
        "worse_by_at_most": {"roc_auc": 0.02},
        "deployment": DEPLOYMENT,
        "plan": plan,
    }


def written(directory: Path, name: str, values: dict[str, Any]) -> str:
    """Path of a file that holds these parameters, for the command line."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.json"
    path.write_text(json.dumps(values, indent=1))
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
