"""What a model's owner says of it: ``metadata.yaml`` beside the model, or the variable ``MODEL_METADATA``, which wins.

Seldon's servers show it at ``/metadata``; so does ours, over what it knows by itself.
"""

import logging
import os
from pathlib import Path
from typing import Any

import yaml

FILE = "metadata.yaml"
VARIABLE = "MODEL_METADATA"
_LOG = logging.getLogger(__name__)


def stated_metadata(path: Path | None) -> dict[str, Any]:
    """Nothing where nothing is stated, or where it cannot be read, which is logged: a model is served without it."""
    beside = path / FILE if path is not None and path.is_dir() else None
    try:
        text = os.environ.get(VARIABLE) or (beside.read_text() if beside and beside.is_file() else "")
        stated = yaml.safe_load(text) if text else {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        _LOG.warning("%s or %s: %s; the model is served without it", VARIABLE, FILE, error)
        return {}
    if isinstance(stated, dict):
        return {str(name): value for name, value in stated.items()}
    found = type(stated).__name__
    _LOG.warning("%s or %s: found a %s; expected a mapping; the model is served without it", VARIABLE, FILE, found)
    return {}
