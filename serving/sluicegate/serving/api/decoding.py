"""From plain JSON to typed views and back, with errors that name the field.

Used wherever an object enters: the API's admission, the operator's cache, the command line.
"""

import re
from typing import Any, TypeVar

import msgspec

from sluicegate.serving.api.errors import FieldError, InvalidObjectError
from sluicegate.serving.api.metadata import JSON

T = TypeVar("T")
_MESSAGE = re.compile(r"^(?P<text>.*?)(?: - at `\$\.?(?P<path>.*)`)?$", re.DOTALL)


def decode(value: JSON, view: type[T]) -> T:
    """Read a JSON dictionary as ``view``; a field that is null counts as left out, as Kubernetes has it.

    Raises InvalidObjectError with the path of the first field whose type is wrong.
    """
    try:
        return msgspec.convert(_without_nulls(value), view)
    except msgspec.ValidationError as error:
        match = _MESSAGE.match(str(error))
        text, path = (match["text"], match["path"] or "") if match else (str(error), "")
        found = FieldError(
            path=path or "(object)", found="", expected=text[:1].lower() + text[1:].removeprefix("Expected ")
        )
        kind = str(value.get("kind", view.__name__)) if isinstance(value, dict) else view.__name__
        name = (
            str(value.get("metadata", {}).get("name", ""))
            if isinstance(value, dict) and isinstance(value.get("metadata"), dict)
            else ""
        )
        raise InvalidObjectError(kind, name, (found,)) from error


def encode(view: msgspec.Struct) -> JSON:
    """Write a view as a JSON dictionary; defaults are left out."""
    built: Any = msgspec.to_builtins(view)
    return dict(built)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list | tuple) else value
