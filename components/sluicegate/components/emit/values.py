"""Values as they travel between engines: JSON text for what is structured, whole numbers that stay whole."""

import json
from typing import Any

from sluicegate.components.errors import InputRefusedError


def as_text(value: Any) -> str:
    """A parameter's value as text, as Argo carries it and the subcommand reads it."""
    return value if isinstance(value, str) else json.dumps(value)


def read_structured(text: str, kind: type, *, argument: str) -> Any:
    """A ``dict`` or ``list`` out of JSON; a list may also be written ``a,b,c``.

    Raises:
        InputRefusedError: it is neither.

    """
    if kind is list and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        value = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise InputRefusedError(f"{argument}: found {text[:80]!r}; expected JSON: {error}") from error
    if not isinstance(value, kind):
        raise InputRefusedError(f"{argument}: found a {type(value).__name__}; expected a {kind.__name__}")
    return value


def whole(value: Any) -> Any:
    """KFP carries every number of a structure as a float; a whole one becomes an integer again, at any depth."""
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
