"""The rollout as an Argo WorkflowTemplate: prepare, climb the plan's ladder, promote, bake, complete.

One template, ``climb``, calls itself for each step of the plan, so that every weight, analysis, pause and approval is
a node of its own in Argo's page. Whatever happens, the exit handler puts traffic back unless the rollout is over.
Compiled with hera into ``templates/sluicegate-rollout.yaml``, which is checked in.
"""

from typing import Any

from hera.workflows import Container, Parameter, Step, Steps, Suspend, WorkflowTemplate

from sluicegate.components.emit.argo import IMAGE_PARAMETER, LOCAL, Pods, template
from sluicegate.components.rollout.analysing import analyse
from sluicegate.components.rollout.ending import complete, end_rollout, promote
from sluicegate.components.rollout.preparing import prepare_rollout
from sluicegate.components.rollout.reading_plan import read_plan
from sluicegate.components.rollout.shifting import hold, set_header_route, set_mirror_route, set_weight
from sluicegate.components.rollout.waiting import await_approval, await_resume

NAME = "sluicegate-rollout"
_ROLLOUT = ("rollout", "epoch", "namespace")
_PREPARED = "{{steps.prepare.outputs.parameters.%s}}"
_READ = "{{steps.read.outputs.parameters.%s}}"


def rollout_template(pods: Pods = LOCAL, *, account: str | None = None) -> WorkflowTemplate:
    """The WorkflowTemplate; its parameters are those of ``start-rollout``. ``account`` is its pods' ServiceAccount."""
    parts = {part.name: template(part, pods) for part in _STEPS}
    climb = _climb(parts)
    entry = _entry(parts)
    last = Steps(name="finish")
    last.sub_steps = [_call("end", parts["end-rollout"], rollout=_argument("rollout"), **_END)]
    # Argo takes whole numbers as seconds; a plan's may have a fraction, and needs its unit.
    pause = Suspend(name="wait", inputs=[Parameter(name="seconds")], duration="{{inputs.parameters.seconds}}s")
    arguments = [_declared(name, value, text) for name, value, text in _ARGUMENTS]
    arguments.append(IMAGE_PARAMETER)
    return WorkflowTemplate(
        name=NAME, entrypoint="rollout", on_exit="finish", arguments=arguments, service_account_name=account,
        templates=[entry, climb, pause, last, *parts.values()],
    )  # fmt: skip


_STEPS = (
    prepare_rollout, read_plan, set_weight, set_mirror_route, set_header_route, analyse, hold, await_resume,
    await_approval, promote, complete, end_rollout,
)  # fmt: skip
_ARGUMENTS = (
    ("rollout", None, "Name of the ModelRollout."),
    ("deployment", None, "The SeldonDeployment whose predictor is to be replaced."),
    ("namespace", "default", "Namespace of both."),
    ("model", None, "The registered model."),
    ("version", None, "The registered model's version."),
    ("bundle_uri", None, "Where the version's bundle lies."),
    ("bundle_digest", None, "The bundle's digest, sha256:…; the server refuses any other."),
    ("plan", "{}", "The rollout plan as JSON; an empty one is a sound rollout."),
    ("mirror", "true", "Whether copies of requests go to the candidate first."),
    ("expected_disagreement", "-1", "Share of answers that flipped on held-out data; negative: as the bundle says."),
    ("concurrency", "refuse", "While another rollout is on its way: refuse, queue or supersede."),
    ("retry_refused", "false", "Whether a candidate that was refused before may try again."),
)
_THIS = "{{workflow.namespace}}/{{workflow.name}}/{{workflow.uid}}"
_END = {"workflow_status": "{{workflow.status}}", "namespace": "{{workflow.parameters.namespace}}"}


def _declared(name: str, value: str | None, text: str) -> Parameter:
    # Hera writes a None that it is given as the text "null", which Argo takes for a value.
    return (
        Parameter(name=name, description=text) if value is None else Parameter(name=name, description=text, value=value)
    )


def _argument(name: str) -> str:
    return f"{{{{workflow.parameters.{name}}}}}"


def _call(name: str, template: Container | str, when: str | None = None, **arguments: str) -> Step:
    given = [Parameter(name=key, value=value) for key, value in arguments.items()]
    return Step(name=name, template=template, when=when, arguments=given)


def _entry(parts: dict[str, Container]) -> Steps:
    """The whole rollout, one step after the other."""
    prepared = {name: _argument(name) for name, _, _ in _ARGUMENTS} | {"workflow": _THIS}
    ours = {"rollout": _argument("rollout"), "epoch": _PREPARED % "epoch", "namespace": _argument("namespace")}
    entry = Steps(name="rollout")
    entry.sub_steps = [
        _call("prepare", parts["prepare-rollout"], **prepared),
        _call("climb", "climb", when=_PREPARED % "more" + " == true", plan=_PREPARED % "plan", index="0", **ours),
        _call("prove", parts["analyse"], goal="promote", **ours),
        _call("promote", parts["promote"], **ours),
        _call("bake", parts["analyse"], goal="bake", **ours),
        _call("complete", parts["complete"], **ours),
    ]
    return entry


def _climb(parts: dict[str, Container]) -> Steps:
    """One step of the plan, then itself for the next one."""
    ours: dict[str, Any] = {name: f"{{{{inputs.parameters.{name}}}}}" for name in (*_ROLLOUT, "index")}
    plan = "{{inputs.parameters.plan}}"

    def branch(name: str, template: str, **more: str) -> Step:
        return _call(name, parts[template], when=f"'{_READ % 'kind'}' == '{name}'", **ours, **more)

    climb = Steps(name="climb", inputs=[Parameter(name=name) for name in (*_ROLLOUT, "index", "plan")])
    wait = _call("wait", "wait", when=f"'{_READ % 'kind'}' == 'pause'", seconds=_READ % "seconds")
    following = {**ours, "index": _READ % "next_index", "plan": plan}
    climb.sub_steps = [
        _call("read", parts["read-plan"], plan=plan, index=ours["index"]),
        [
            branch("set-weight", "set-weight"), branch("set-mirror-route", "set-mirror-route"),
            branch("set-header-route", "set-header-route"), branch("analysis", "analyse"),
            branch("pause", "hold", seconds=_READ % "seconds"), branch("hold", "await-resume"),
            branch("approval", "await-approval"),
        ],
        wait,
        _call("next", "climb", when=_READ % "more" + " == true", **following),
    ]  # fmt: skip
    return climb
