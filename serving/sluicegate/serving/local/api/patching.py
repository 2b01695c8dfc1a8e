"""The three patches of Kubernetes, as pure functions of a document and a patch.

JSON merge patch (RFC 7396) and JSON patch (RFC 6902) for every kind; strategic merge patch for the core kinds only, as
real servers have it: kubectl applies those with it, and their few merged lists are listed here.
"""

import copy
from typing import Any

import jsonpatch
import jsonpointer
import msgspec

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.api.errors import RequestError, bad_request

MAX_OPERATIONS = 10_000
MAX_COPIED = 3 << 20
_MERGED_LISTS: dict[tuple[str, ...], str] = {
    ("metadata", "ownerReferences"): "uid",
    ("metadata", "finalizers"): "",
    ("status", "conditions"): "type",
}
"""Lists that a strategic patch merges, with the key of their elements (none: they are strings)."""


def merge_patch(document: Any, patch: Any) -> Any:
    """RFC 7396: objects are merged, null removes, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def json_patch(document: JSON, operations: Any) -> Any:
    """RFC 6902. Raises RequestError: malformed (400), inapplicable (422), too large (413)."""
    if not isinstance(operations, list):
        raise bad_request("a JSON patch is a list of operations")
    if len(operations) > MAX_OPERATIONS:
        raise RequestError("RequestEntityTooLarge", f"a JSON patch has at most {MAX_OPERATIONS} operations")
    copied, document = 0, copy.deepcopy(document)
    try:
        for operation in jsonpatch.JsonPatch(operations):
            # Copies of copies double: the bound is on what they add up to.
            if operation["op"] == "copy":
                copied += len(msgspec.json.encode(jsonpointer.resolve_pointer(document, operation["from"])))
            if copied > MAX_COPIED:
                raise RequestError("RequestEntityTooLarge", f"the patch copies more than {MAX_COPIED} bytes")
            document = jsonpatch.apply_patch(document, [operation], in_place=True)
    except (jsonpatch.InvalidJsonPatch, AttributeError) as error:
        raise bad_request(f"not a JSON patch: {error}") from error
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError, KeyError, ValueError) as error:
        raise RequestError("Invalid", f"the patch does not apply: {error}") from error
    return document


def strategic_patch(document: Any, patch: Any, path: tuple[str, ...] = ()) -> Any:
    """Kubernetes' strategic merge patch with its directives, for kinds whose merged lists are those above."""
    if not isinstance(patch, dict):
        return patch
    directive = patch.get("$patch")
    if directive in ("replace", "delete"):
        return {key: value for key, value in patch.items() if key != "$patch"} if directive == "replace" else {}
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        command, _, name = key.partition("/")
        if command == "$deleteFromPrimitiveList" and isinstance(merged.get(name), list) and isinstance(value, list):
            merged[name] = [element for element in merged[name] if element not in value]
        elif key.startswith("$"):
            continue
        elif value is None:
            merged.pop(key, None)
        elif isinstance(value, list) and (*path, key) in _MERGED_LISTS:
            merged[key] = _merged_list(merged.get(key), value, (*path, key))
        else:
            merged[key] = strategic_patch(merged.get(key), value, (*path, key))
    return merged


def _merged_list(old: Any, patch: list[Any], path: tuple[str, ...]) -> list[Any]:
    key, merged = _MERGED_LISTS[path], list(old) if isinstance(old, list) else []
    if not key:
        return merged + [element for element in patch if element not in merged]
    if any(isinstance(element, dict) and element.get("$patch") == "replace" for element in patch):
        return [element for element in patch if "$patch" not in element]
    for element in patch:
        if not isinstance(element, dict) or key not in element:
            raise bad_request(f"each element of {'.'.join(path)} needs its {key}")
        before = next((one for one in merged if isinstance(one, dict) and one.get(key) == element[key]), None)
        merged = [one for one in merged if one is not before]
        if element.get("$patch") != "delete":
            merged.append(strategic_patch(before, element, path))
    return merged
