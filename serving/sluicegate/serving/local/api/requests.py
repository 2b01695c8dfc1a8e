"""A request as the API understands it: which objects, with which options, and what stands in its body."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec
import yaml
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.api import protobuf
from sluicegate.serving.local.api.errors import RequestError, bad_request
from sluicegate.serving.local.api.selectors import Labels, field_selector, label_selector
from sluicegate.serving.local.kinds import Kind

MAX_BODY = 3 << 20
MAX_DEPTH = 100
_YAML_TYPES = frozenset({"application/yaml", "application/x-yaml", "text/yaml"})
Form = Literal["object", "table", "metadata"]
FieldValidation = Literal["Strict", "Warn", "Ignore"]
_VALIDATIONS: dict[str, FieldValidation] = {"Strict": "Strict", "Warn": "Warn", "Ignore": "Ignore"}


class _JsonYaml(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C loader is optional
    """YAML that reads as JSON would: a date is text."""


_JsonYaml.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a path names: a kind in a served version, maybe a namespace, a name, a subresource."""

    kind: Kind
    version: str
    namespace: str | None = None
    name: str = ""
    subresource: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The query string, read and checked."""

    dry_run: bool
    field_validation: FieldValidation
    labels: Callable[[Labels], bool]
    fields: Callable[[JSON], bool]
    limit: int
    continuation: str
    version: int | None
    version_match: str
    watch: bool
    bookmarks: bool
    initial_events: bool
    timeout: float | None
    include: str

    def selects(self, obj: JSON) -> bool:
        """Whether both selectors take the object."""
        return self.labels(obj["metadata"].get("labels") or {}) and self.fields(obj)

    def only(self, name: str) -> "Options":
        """The same, for the object of this name alone."""
        return replace(self, fields=lambda obj: obj["metadata"]["name"] == name)

    def with_dry_run(self, *, dry_run: bool) -> "Options":
        """The same, with this answer to whether anything is to be written."""
        return replace(self, dry_run=dry_run)


def options(query: QueryParams, kind: Kind) -> Options:
    """Read a query string. Raises RequestError for a value that makes no sense; unknown names are ignored."""
    dry_run = query.getlist("dryRun")
    if any(value != "All" for value in dry_run):
        raise bad_request(f"dryRun: found {dry_run}, expected All")
    asked = query.get("fieldValidation") or "Warn"
    validation = _VALIDATIONS.get(asked)
    if validation is None:
        raise bad_request(f"fieldValidation: found {asked!r}, expected Strict, Warn or Ignore")
    return Options(
        dry_run=bool(dry_run),
        field_validation=validation,
        labels=label_selector(query.get("labelSelector", "")),
        fields=field_selector(query.get("fieldSelector", ""), kind),
        limit=_number(query, "limit") or 0,
        continuation=query.get("continue", ""),
        version=_number(query, "resourceVersion"),
        version_match=query.get("resourceVersionMatch", ""),
        watch=_switch(query, "watch"),
        bookmarks=_switch(query, "allowWatchBookmarks"),
        initial_events=_switch(query, "sendInitialEvents"),
        timeout=_number(query, "timeoutSeconds"),
        include=query.get("includeObject", "Metadata"),
    )


def form(accept: str) -> Form:
    """Which form of the answer the client likes best. Raises RequestError when it reads neither JSON nor a table."""
    ranges = [media.strip().lower() for media in accept.split(",") if media.strip()] or ["*/*"]
    for media in ranges:
        type_, _, parameters = media.partition(";")
        wanted = dict(part.strip().partition("=")[::2] for part in parameters.split(";"))
        if type_.strip() not in ("application/json", "application/*", "*/*"):
            continue
        if wanted.get("as") == "table" and wanted.get("v", "v1") == "v1":
            return "table"
        if wanted.get("as") in ("partialobjectmetadata", "partialobjectmetadatalist"):
            return "metadata"
        if "as" not in wanted:
            return "object"
    raise RequestError("NotAcceptable", "only application/json is spoken here, as an object or as=Table")


def content_type(request: Request) -> str:
    """The media type of the body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def body(request: Request) -> bytes:
    """The body's bytes. Raises RequestError when there are more than ``MAX_BODY``."""
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > MAX_BODY:
            raise RequestError("RequestEntityTooLarge", f"the body is larger than {MAX_BODY} bytes")
    return bytes(read)


async def document(request: Request) -> Any:
    """The body as JSON values, from JSON or YAML; None when empty. Raises RequestError."""
    given, read = content_type(request), await body(request)
    if not read.strip():
        return None
    # A type is demanded: a browser may send a body without one to any site, and this API starts processes.
    if given == "application/json":
        return parsed_json(read)
    if given in _YAML_TYPES:
        return await run_in_threadpool(_parsed_yaml, read)
    if given == protobuf.MEDIA_TYPE:
        return protobuf.parsed_protobuf(read)
    raise RequestError("UnsupportedMediaType", f"found {given!r}, expected application/json or application/yaml")


def parsed_json(read: bytes) -> Any:
    """JSON, not too deep. Raises RequestError."""
    try:
        value = msgspec.json.decode(read)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise bad_request(f"the body is not JSON: {error}") from error
    _check_depth(value)
    return value


def _parsed_yaml(read: bytes) -> Any:
    try:
        # An alias can make gigabytes of a kilobyte; manifests have no need of any.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(read, Loader=_JsonYaml)):
            raise bad_request("YAML aliases are not read here: write the value out")
        value = yaml.load(read, Loader=_JsonYaml)  # noqa: S506 - a subclass of the safe loader
        return parsed_json(msgspec.json.encode(value))
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise bad_request(f"the body is not YAML that could be JSON: {error}") from error


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return
    raise bad_request(f"the body is nested more than {MAX_DEPTH} deep")


def _number(query: QueryParams, name: str) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise bad_request(f"{name}: found {text!r}, expected a number that is not negative")
    return int(text)


def _switch(query: QueryParams, name: str) -> bool:
    text = query.get(name, "false").lower()
    if text not in ("", "0", "1", "true", "false"):
        raise bad_request(f"{name}: found {text!r}, expected true or false")
    return text in ("1", "true")
