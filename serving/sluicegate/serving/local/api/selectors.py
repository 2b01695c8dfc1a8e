"""Label and field selectors: text in, a predicate over objects out."""

import re
from collections.abc import Callable, Mapping

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.api.errors import bad_request
from sluicegate.serving.local.columns import value_at
from sluicegate.serving.local.kinds import Kind

Labels = Mapping[str, str]
_KEY = r"(?P<key>[A-Za-z0-9][-A-Za-z0-9_./]*)"
_SET = re.compile(rf"{_KEY}\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUAL = re.compile(rf"{_KEY}\s*(?P<operator>==|=|!=)\s*(?P<value>[-A-Za-z0-9_.]*)")
_EXISTS = re.compile(rf"(?P<operator>!?)\s*{_KEY}")
_FIELD = re.compile(r"(?P<field>[A-Za-z.]+)(?P<operator>==|=|!=)(?P<value>.*)")
_COMMA = re.compile(r",(?![^()]*\))")


def label_selector(text: str) -> Callable[[Labels], bool]:
    """``a=b,c!=d,e in (f,g),h notin (i),j,!k``. Raises RequestError when it is none."""
    requirements = [_requirement(part.strip()) for part in _COMMA.split(text)] if text.strip() else []
    return lambda labels: all(requirement(labels) for requirement in requirements)


def _requirement(text: str) -> Callable[[Labels], bool]:
    if found := _SET.fullmatch(text):
        key, values = found["key"], {value.strip() for value in found["values"].split(",")}
        if found["operator"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if found := _EQUAL.fullmatch(text):
        key, value = found["key"], found["value"]
        if found["operator"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _EXISTS.fullmatch(text):
        key, absent = found["key"], bool(found["operator"])
        return lambda labels: (key in labels) is not absent
    raise bad_request(f"unable to parse the label selector at {text!r}")


def field_selector(text: str, kind: Kind) -> Callable[[JSON], bool]:
    """``metadata.name=iris,reason!=Pulled``, over the fields that ``kind`` lets select. Raises RequestError."""
    allowed = ("metadata.name", "metadata.namespace", *kind.selectable_fields)
    wanted: list[tuple[str, bool, str]] = []
    for part in filter(None, text.split(",")):
        found = _FIELD.fullmatch(part.strip())
        if not found:
            raise bad_request(f"invalid field selector {part!r}")
        if found["field"] not in allowed:
            raise bad_request(f'field label not supported: "{found["field"]}" (known: {", ".join(allowed)})')
        wanted.append((found["field"], found["operator"] != "!=", found["value"]))
    return lambda obj: all((str(value_at(obj, path) or "") == value) is equal for path, equal, value in wanted)
