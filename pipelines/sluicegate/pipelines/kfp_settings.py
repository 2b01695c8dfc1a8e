"""What a KFP backend's pods are given when a pipeline is compiled: image, resources, credentials, where they may run.

``sluicegate pipeline compile --settings FILE`` reads it. A pipeline says what is done; what its pods need differs from
cluster to cluster, so it is told when it is compiled, for all tasks and for single ones. Written with kfp-kubernetes.
"""

import functools
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import yaml
from kfp import dsl
from kfp.dsl import pipeline_context
from kfp.dsl.graph_component import GraphComponent

Keys = dict[str, str] | list[str]
"""Entry to the variable that it becomes; or names that are both."""


class SettingsRefusedError(Exception):
    """The settings cannot be given to this pipeline; says which and why."""


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base of the settings: an unknown field is an error."""


class Amounts(Part, frozen=True, kw_only=True):
    """As Kubernetes writes them: ``500m``, ``2Gi``."""

    cpu: str = ""
    memory: str = ""


class Accelerators(Part, frozen=True, kw_only=True):
    """So many of that resource, ``nvidia.com/gpu`` for instance."""

    type: str
    limit: int = 1


class Toleration(Part, frozen=True, kw_only=True):
    """As in a pod's spec."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""
    toleration_seconds: int | None = None


class TaskSettings(Part, frozen=True, kw_only=True):
    """What the pod of a task is given."""

    image: str = ""
    image_pull_secrets: list[str] = []
    env: dict[str, str] = {}
    config_maps: dict[str, Keys] = {}
    secrets: dict[str, Keys] = {}
    requests: Amounts = Amounts()
    limits: Amounts = Amounts()
    accelerators: Accelerators | None = None
    node_selector: dict[str, str] = {}
    tolerations: list[Toleration] = []


class Settings(Part, frozen=True, kw_only=True):
    """For every task, and then for single ones by their names."""

    all: TaskSettings = TaskSettings()
    tasks: dict[str, TaskSettings] = {}


def read_settings(file: Path | None, *, image: str = "") -> Settings:
    """Settings of a YAML file; ``image`` is every task's where the file names none.

    Raises:
        SettingsRefusedError: it is no YAML, or a field is unknown or of the wrong type.

    """
    try:
        found = msgspec.convert(yaml.safe_load(file.read_text()) or {} if file else {}, Settings)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise SettingsRefusedError(f"{file}: {error}") from error
    every = msgspec.structs.replace(found.all, image=found.all.image or image)
    return msgspec.structs.replace(found, all=every)


def configured(pipeline: Any, settings: Settings) -> Any:
    """The pipeline with the settings on its tasks, also on those of pipelines that it calls.

    Raises:
        SettingsRefusedError: there is no task of a name, or kfp-kubernetes is missing or refuses a value.

    """
    if settings == Settings():
        return pipeline
    seen: set[str] = set()
    made = _rebuilt(pipeline, functools.partial(_give, settings=settings, seen=seen))
    if unknown := sorted(set(settings.tasks) - seen):
        raise SettingsRefusedError(
            f"tasks: {pipeline.name} has no {', '.join(unknown)}; it has {', '.join(sorted(seen))}"
        )
    return made


def _rebuilt(pipeline: Any, give: Callable[[Any], None]) -> Any:
    """KFP keeps no tasks of a pipeline that is built, so it is built again, and those that it calls before it."""
    function = pipeline.pipeline_func
    called = {
        name: _rebuilt(function.__globals__[name], give)
        for name in function.__code__.co_names
        if isinstance(function.__globals__.get(name), GraphComponent)
    }
    again = types.FunctionType(
        function.__code__, {**function.__globals__, **called}, function.__name__, function.__defaults__,
        function.__closure__,
    )  # fmt: skip

    @functools.wraps(function)
    def build(*arguments: Any, **named: Any) -> Any:
        returned = again(*arguments, **named)
        for task in pipeline_context.Pipeline.get_default_pipeline().tasks.values():
            give(task)
        return returned

    return dsl.pipeline(name=pipeline.name, description=pipeline.description)(build)


def _give(task: Any, *, settings: Settings, seen: set[str]) -> None:
    if task.container_spec is None:
        return  # a pipeline within this one
    seen.add(task.name)
    for part in (settings.all, settings.tasks.get(task.name, TaskSettings())):
        try:
            _give_container(task, part)
            _give_pod(task, part)
        except (TypeError, ValueError) as error:
            raise SettingsRefusedError(f"task {task.name}: {error}") from error


def _give_container(task: Any, given: TaskSettings) -> None:
    setters = {
        task.set_container_image: given.image,
        task.set_cpu_request: given.requests.cpu,
        task.set_memory_request: given.requests.memory,
        task.set_cpu_limit: given.limits.cpu,
        task.set_memory_limit: given.limits.memory,
    }
    for setter, value in setters.items():
        if value:
            setter(value)
    for name, value in given.env.items():
        task.set_env_variable(name, value)
    if given.accelerators:
        task.set_accelerator_type(given.accelerators.type).set_accelerator_limit(given.accelerators.limit)


def _give_pod(task: Any, given: TaskSettings) -> None:
    try:
        from kfp import kubernetes
    except ImportError as error:
        raise SettingsRefusedError("kfp-kubernetes is not installed: pip install 'sluicegate[kfp]'") from error
    for name, keys in given.config_maps.items():
        kubernetes.use_config_map_as_env(task, name, _entries(keys))
    for name, keys in given.secrets.items():
        kubernetes.use_secret_as_env(task, name, _entries(keys))
    for name, value in given.node_selector.items():
        kubernetes.add_node_selector(task, name, value)
    for each in given.tolerations:
        kubernetes.add_toleration(
            task, key=each.key, operator=each.operator, value=each.value, effect=each.effect,
            toleration_seconds=each.toleration_seconds,
        )  # fmt: skip
    if given.image_pull_secrets:
        kubernetes.set_image_pull_secrets(task, given.image_pull_secrets)


def _entries(keys: Keys) -> dict[str, str]:
    return {key: key for key in keys} if isinstance(keys, list) else keys
