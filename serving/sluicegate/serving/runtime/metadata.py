"""What a model's owner says of it in ``metadata.yaml`` beside the model.

Seldon's servers show it at ``/metadata``; so does ours, over what it knows by itself. The setting ``metadata``
(``MODEL_METADATA``) goes over it.
"""

import logging
from pathlib import Path
from typing import Any

import yaml

FILE = "metadata.yaml"
_LOG = logging.getLogger(__name__)


def stated_metadata(path: Path | None) -> dict[str, Any]:
    """Nothing where nothing is stated, or where it cannot be read, which is logged: a model is served without it."""
    beside = path / FILE if path is not None else None
    try:
        stated = yaml.safe_load(beside.read_text()) if beside is not None and beside.is_file() else {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        _LOG.warning("%s: %s; the model is served without it", beside, error)
        return {}
    if isinstance(stated, dict):
        return {str(name): value for name, value in stated.items()}
    _LOG.warning("%s: found a %s; expected a mapping; the model is served without it", beside, type(stated).__name__)
    return {}
