"""The functions of Sprig that workflows use, as ``sprig.NAME``; one that is not here is an error that lists these.

Those that read the environment, make secrets, or ask the network are left out, and so are those of dates: they answer
differently at each run, or need Go's layouts.
"""

import base64
import hashlib
import json
import math
import re
from collections.abc import Callable
from typing import Any

from sluicegate.pipelines.workflows.exprlang.values import as_plain_text, go_json, go_regex, unique


def _empty(value: Any) -> bool:
    return value in (None, "", 0, 0.0, False) or (isinstance(value, list | dict) and not value)


def _int(value: Any) -> int:
    """A whole number; 0 for what is none, as Sprig has it."""
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"[-+]?\d+", value) else 0
    return int(value) if isinstance(value, int | float) else 0


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _quoted(mark: str) -> Callable[..., str]:
    def quote(*values: Any) -> str:
        texts = (as_plain_text(value) for value in values if value is not None)
        return " ".join(json.dumps(text, ensure_ascii=False) if mark == '"' else f"'{text}'" for text in texts)

    return quote


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[0-9]+", text)


def _title(text: str) -> str:
    return re.sub(r"(?<!\S)\S", lambda match: match[0].upper(), text)


def _trunc(length: int, text: str) -> str:
    return text[:length] if length >= 0 else text[length:]


def _substr(start: int, end: int, text: str) -> str:
    return text[: end if end >= 0 else None] if start < 0 else text[start : end if 0 <= end <= len(text) else None]


def _divided(left: Any, right: Any) -> int:
    return int(_int(left) / _int(right))


def _product(*values: Any) -> int:
    return math.prod(_int(value) for value in values)


def _dict(*pairs: Any) -> dict[str, Any]:
    return {str(pairs[index]): pairs[index + 1] if index + 1 < len(pairs) else "" for index in range(0, len(pairs), 2)}


def _indent(spaces: int, text: str) -> str:
    return " " * spaces + text.replace("\n", "\n" + " " * spaces)


def _find(pattern: str, text: str) -> str:
    match = re.search(go_regex(pattern), text)
    return match[0] if match else ""


def _expanded(replacement: str) -> str:
    return re.sub(r"\$\{?(\w+)\}?", r"\\g<\1>", replacement)


def _split(separator: str, text: str) -> dict[str, str]:
    return {f"_{number}": part for number, part in enumerate(text.split(separator))}


def _digest(name: str) -> Callable[[str], str]:
    return lambda text: hashlib.new(name, text.encode()).hexdigest()


def _round(value: Any, places: int) -> float:
    scaled = _float(value) * 10**places
    return float(math.copysign(math.floor(abs(scaled) + 0.5), scaled) / 10**places)


SPRIG: dict[str, Callable[..., Any]] = {
    # Texts.
    "trim": lambda text: text.strip(), "trimAll": lambda marks, text: text.strip(marks),
    "trimPrefix": lambda part, text: text.removeprefix(part), "trimSuffix": lambda part, text: text.removesuffix(part),
    "upper": lambda text: text.upper(), "lower": lambda text: text.lower(), "title": _title,
    "untitle": lambda text: re.sub(r"(?<!\S)\S", lambda match: match[0].lower(), text),
    "repeat": lambda times, text: text * times, "replace": lambda old, new, text: text.replace(old, new),
    "contains": lambda part, text: part in text, "hasPrefix": lambda part, text: text.startswith(part),
    "hasSuffix": lambda part, text: text.endswith(part), "trunc": _trunc, "substr": _substr,
    "nospace": lambda text: re.sub(r"\s", "", text), "quote": _quoted('"'), "squote": _quoted("'"),
    "cat": lambda *values: " ".join(as_plain_text(value) for value in values if value is not None),
    "indent": _indent, "nindent": lambda spaces, text: "\n" + _indent(spaces, text),
    "initials": lambda text: "".join(word[0] for word in text.split()),
    "snakecase": lambda text: "_".join(word.lower() for word in _words(text)),
    "kebabcase": lambda text: "-".join(word.lower() for word in _words(text)),
    "camelcase": lambda text: "".join(word.capitalize() for word in re.split(r"[_\-\s]+", text)),
    "toString": as_plain_text, "plural": lambda one, many, count: one if count == 1 else many,
    "regexMatch": lambda pattern, text: re.search(go_regex(pattern), text) is not None,
    "regexFind": _find,
    "regexFindAll": lambda pattern, text, count: [
        match[0] for match in re.finditer(go_regex(pattern), text)
    ][: count if count >= 0 else None],
    "regexReplaceAll": lambda pattern, text, new: re.sub(go_regex(pattern), _expanded(new), text),
    "regexReplaceAllLiteral": lambda pattern, text, new: re.sub(go_regex(pattern), lambda _: new, text),
    "regexSplit": lambda pattern, text, count: re.split(go_regex(pattern), text, maxsplit=max(count - 1, 0)),
    "b64enc": lambda text: base64.b64encode(text.encode()).decode(),
    "b64dec": lambda text: base64.b64decode(text).decode(),
    "b32enc": lambda text: base64.b32encode(text.encode()).decode(),
    "b32dec": lambda text: base64.b32decode(text).decode(),
    "sha1sum": _digest("sha1"), "sha256sum": _digest("sha256"), "sha512sum": _digest("sha512"),
    # Numbers.
    "int": _int, "int64": _int, "atoi": _int, "float64": _float, "toDecimal": lambda value: int(str(value), 8),
    "add": lambda *values: sum(_int(value) for value in values), "add1": lambda value: _int(value) + 1,
    "sub": lambda left, right: _int(left) - _int(right), "mul": _product, "div": _divided,
    "mod": lambda left, right: int(math.fmod(_int(left), _int(right))),
    "max": lambda *values: max(_int(value) for value in values),
    "min": lambda *values: min(_int(value) for value in values),
    "addf": lambda *values: sum(_float(value) for value in values),
    "subf": lambda first, *rest: _float(first) - sum(_float(value) for value in rest),
    "mulf": lambda *values: math.prod(_float(value) for value in values),
    "divf": lambda first, *rest: _float(first) / math.prod(_float(value) for value in rest),
    "ceil": lambda value: float(math.ceil(_float(value))), "floor": lambda value: float(math.floor(_float(value))),
    "round": _round, "until": lambda count: list(range(count)),
    "untilStep": lambda start, stop, step: list(range(start, stop, step)),
    # Lists and maps.
    "list": lambda *values: list(values), "first": lambda items: items[0] if items else None,
    "last": lambda items: items[-1] if items else None, "rest": lambda items: items[1:],
    "initial": lambda items: items[:-1], "append": lambda items, value: [*items, value],
    "prepend": lambda items, value: [value, *items], "concat": lambda *lists: [item for each in lists for item in each],
    "reverse": lambda items: items[::-1], "uniq": unique, "has": lambda value, items: value in items,
    "without": lambda items, *values: [item for item in items if item not in values],
    "compact": lambda items: [item for item in items if not _empty(item)],
    "slice": lambda items, first=0, last=None: items[first:last],
    "join": lambda separator, items: separator.join(as_plain_text(item) for item in items),
    "splitList": lambda separator, text: text.split(separator), "split": _split,
    "sortAlpha": lambda items: sorted(as_plain_text(item) for item in items),
    "toStrings": lambda items: [as_plain_text(item) for item in items],
    "dict": _dict, "get": lambda owner, key: owner.get(key, ""), "hasKey": lambda owner, key: key in owner,
    "keys": lambda *owners: [key for owner in owners for key in owner],
    "values": lambda owner: list(owner.values()),
    "pick": lambda owner, *keys: {key: owner[key] for key in keys if key in owner},
    "omit": lambda owner, *keys: {key: value for key, value in owner.items() if key not in keys},
    "merge": lambda *owners: {key: value for owner in reversed(owners) for key, value in owner.items()},
    # Choices and forms.
    "default": lambda other, value: other if _empty(value) else value, "empty": _empty,
    "coalesce": lambda *values: next((value for value in values if not _empty(value)), None),
    "all": lambda *values: not any(_empty(value) for value in values),
    "any": lambda *values: any(not _empty(value) for value in values),
    "ternary": lambda yes, no, condition: yes if condition else no,
    "toJson": go_json, "toPrettyJson": lambda value: go_json(value, indent=2), "fromJson": json.loads,
}  # fmt: skip
