"""Which units of a graph need no container of their own: the engine runs them in its process, without a hop.

Those that our model server runs by one image, with no wishes of the user's about their containers. Answers are the same
either way. Names of Deployments and of the predictor's Service do not depend on it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from sluicegate.serving.operator.errors import NotRenderableError
from sluicegate.serving.operator.objects.containers import role_of
from sluicegate.serving.operator.objects.kept import kept_template
from sluicegate.serving.operator.objects.layout import ENGINE, Pod, annotation
from sluicegate.serving.operator.objects.names import deployment_name
from sluicegate.serving.operator.objects.subject import Subject

FUSE_ANNOTATION = "sluicegate.dev/fuse"
"""``"false"`` on a predictor or a deployment: every unit gets a container of its own, as Seldon Core has it."""
_NO_WISHES = frozenset({"name", "image"})


def fused(subject: Subject) -> Subject:
    """The subject with as many units in its engine as can be; as it is where there is nothing to fuse."""
    layout = subject.layout
    if not layout.has_engine or layout.separate_engine or not _wanted(subject):
        return subject
    pod = layout.pods[0]
    if kept_template(subject, deployment_name(layout, pod), pod) is not None:
        return subject  # Seldon's pods are as they are
    by_image: dict[str, list[str]] = defaultdict(list)
    for name, image in _fusable(subject, pod):
        by_image[image].append(name)
    if not by_image:
        return subject
    image, names = max(by_image.items(), key=lambda item: len(item[1]))
    left = replace(pod, containers=tuple(name for name in pod.containers if name not in names))
    return replace(
        subject,
        layout=replace(
            layout,
            pods=(left, *layout.pods[1:]),
            units={name: unit for name, unit in layout.units.items() if name not in names},
            fused={name: layout.units[name] for name in names},
            engine_image=image,
        ),
    )


def _wanted(subject: Subject) -> bool:
    stated = subject.workload.predictor.annotations.get(FUSE_ANNOTATION)
    asked = stated if stated is not None else annotation(subject.layout.deployment, FUSE_ANNOTATION)
    engines_own = any(pod.users(ENGINE).get("image") for pod in subject.layout.pods)
    return asked.lower() != "false" and not engines_own


def _fusable(subject: Subject, pod: Pod) -> Iterator[tuple[str, str]]:
    for name in pod.containers:
        unit = subject.layout.units.get(name)
        wishes = {key for key, value in pod.users(name).items() if value not in ("", [], {}, None)}
        if unit is None or wishes - _NO_WISHES or (unit.logger and unit.logger.mode):
            continue
        if unit.endpoint is not None and unit.endpoint.service_host:
            continue
        try:
            role = role_of(subject, pod, unit)
        except NotRenderableError:
            continue  # whoever renders the container says why
        if role.ours and subject.installation.engine in ("", role.image):
            yield name, role.image
