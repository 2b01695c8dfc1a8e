"""``jsonpath(text, path)``: the part of JSONPath that people write: keys, indexes, slices' absence, and wildcards."""

import json
import re
from typing import Any

from sluicegate.pipelines.workflows.errors import ExpressionError

_STEP = re.compile(
    r"\.\.(?P<deep>[\w-]+|\*)|\.(?P<key>[\w-]+|\*)|\[(?:'(?P<quoted>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<index>-?\d+)|(?P<all>\*))\]"
)


def jsonpath(text: str, path: str) -> Any:
    """What the path finds in a JSON text; a list when the path has a wildcard.

    Raises ExpressionError for a path that finds nothing, or that is of no form known here.
    """
    found, many = [json.loads(text, parse_int=float)], False
    rest = path.strip().removeprefix("$")
    while rest:
        match = _STEP.match(rest)
        if match is None:
            raise ExpressionError(f"jsonpath: cannot read {rest!r} of {path!r}: filters and slices are not known here")
        many = many or match["deep"] is not None or match["key"] == "*" or match["all"] is not None
        found = [part for value in found for part in _step(value, match)]
        rest = rest[match.end() :]
    if many:
        return found
    if not found:
        raise ExpressionError(f"jsonpath: {path!r} finds nothing")
    return found[0]


def _step(value: Any, match: "re.Match[str]") -> list[Any]:
    if match["deep"] is not None:
        return _everywhere(value, match["deep"])
    if match["key"] == "*" or match["all"] is not None:
        return _children(value)
    if match["index"] is not None:
        position = int(match["index"])
        return [value[position]] if isinstance(value, list) and -len(value) <= position < len(value) else []
    key = next(name for name in (match["key"], match["quoted"], match["double"]) if name is not None)
    return [value[key]] if isinstance(value, dict) and key in value else []


def _children(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []


def _everywhere(value: Any, key: str) -> list[Any]:
    own = _children(value) if key == "*" else [value[key]] if isinstance(value, dict) and key in value else []
    return own + [part for child in _children(value) for part in _everywhere(child, key)]
