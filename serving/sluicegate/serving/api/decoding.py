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
_TYPE = re.compile(r"Expected `(?P<expected>.*)`, got `(?P<found>.*)`")
_CHOICE = re.compile(r"Invalid enum value (?P<found>.*)")
_MISSING = re.compile(r"Object missing required field `(?P<field>.*)`")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_NAMES: dict[type, str] = {str: "str", int: "int", bool: "bool", float: "float", list: "array", dict: "object"}
"""How msgspec calls what it got."""


def decode(value: JSON, view: type[T]) -> T:
    """Read a JSON dictionary as ``view``; a field that is null counts as left out, as Kubernetes has it.

    Raises InvalidObjectError with the path of the first field whose type is wrong.
    """
    try:
        return msgspec.convert(without_nulls(value), view)
    except msgspec.ValidationError as error:
        kind = str(value.get("kind", view.__name__)) if isinstance(value, dict) else view.__name__
        name = (
            str(value.get("metadata", {}).get("name", ""))
            if isinstance(value, dict) and isinstance(value.get("metadata"), dict)
            else ""
        )
        raise InvalidObjectError(kind, name, (_fault(value, str(error)),)) from error


def without_nulls(value: Any) -> Any:
    """The value without fields that are null, however deep."""
    if isinstance(value, dict):
        # Most fields are texts: a call for each of them would take most of the time.
        return {
            key: item if type(item) is str else without_nulls(item) for key, item in value.items() if item is not None
        }
    return [without_nulls(item) for item in value] if isinstance(value, list | tuple) else value


def _fault(value: Any, message: str) -> FieldError:
    """What msgspec says, as an error of the field."""
    match = _MESSAGE.match(message)
    text, path = (match["text"], match["path"] or "") if match else (message, "")
    if found := _TYPE.match(text):
        where = _with_key(value, path, found["found"]) or "(object)"
        return FieldError(path=where, found=found["found"], expected=found["expected"])
    if found := _CHOICE.match(text):
        return FieldError(path=path, found=found["found"], expected="one of the values that this field has")
    if found := _MISSING.match(text):
        return FieldError(path=f"{path}.{found['field']}".lstrip("."), found="nothing", expected="a value")
    return FieldError(path=path or "(object)", found="", expected=text[:1].lower() + text[1:])


def _with_key(value: Any, path: str, kind: str) -> str:
    """The path with the key of the entry at fault: msgspec does not tell which entry of a map it was."""
    within = path.removesuffix("[...]")
    if within == path or "[...]" in within:
        return path
    for key, index in _STEP.findall(within):
        value = value[int(index)] if index else value[key]
    wrong = (key for key, item in value.items() if _NAMES.get(type(item)) == kind)
    return f"{within}[{next(wrong, '...')}]"


def encode(view: msgspec.Struct) -> JSON:
    """Write a view as a JSON dictionary; defaults are left out."""
    built: Any = msgspec.to_builtins(view)
    return dict(built)
