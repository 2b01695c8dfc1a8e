"""``sluicegate rollout``: start a rollout, watch it, and take the wheel.

``start`` submits the rollout's workflow. What a person writes afterwards goes the workflow's way: ``spec.desired``
under the rollout's epoch, so that the API refuses what comes too late.
"""

import getpass
import importlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import yaml

from sluicegate.pipelines.cli.access import api_of
from sluicegate.pipelines.cli.client import Api, RequestFailedError, resource_of
from sluicegate.pipelines.cli.options import home_option, namespace_option, one_sentence, running_plane
from sluicegate.pipelines.cli.tables import print_table
from sluicegate.pipelines.plane.environment import plane_environment
from sluicegate.pipelines.plane.errors import NotRunningError
from sluicegate.serving.api.metadata import GROUP, PAUSED_ANNOTATION

JSON = dict[str, Any]
_ENDED = frozenset({"Promoted", "RolledBack", "Refused"})
_TEMPLATE = "sluicegate-rollout"
_POLL_SECONDS = 0.5


@click.group(short_help="Start and steer rollouts.")
def rollout() -> None:
    """Start a rollout of a registered model version, watch it, and take the wheel."""


@rollout.command()
@click.argument("deployment")
@click.option("--model", required=True, help="The registered model.")
@click.option("--version", required=True, help="The version to roll out.")
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A rollout plan, YAML or JSON.",
)
@click.option("--no-mirror", is_flag=True, help="Without a mirror: the first requests it sees are users'.")
@click.option("--concurrency", type=click.Choice(["refuse", "queue", "supersede"]), default="refuse", show_default=True,
              help="What happens while another rollout of the deployment is under way.")  # fmt: skip
@click.option("--expected-disagreement", type=click.FloatRange(-1, 1), default=-1.0,
              help="Share of answers that flipped on held-out data; by default as the bundle says.")  # fmt: skip
@click.option("--retry-refused", is_flag=True, help="Try a bundle again that was sent back because of harm.")
@click.option("--run", default="", help="Id of your run: starting again under the same id joins the same rollout.")
@click.option("--wait", is_flag=True, help="Until it is over; exit code 1 unless it was promoted.")
@namespace_option
@home_option
def start(
    deployment: str, model: str, version: str, plan_file: Path | None, no_mirror: bool, concurrency: str,
    expected_disagreement: float, retry_refused: bool, run: str, wait: bool, namespace: str, home: Path,
) -> None:  # fmt: skip
    """Roll a registered VERSION of MODEL out to DEPLOYMENT, in the background."""
    with one_sentence():
        api = _surroundings(home)
        started = _started(
            deployment=deployment, model=model, version=version, namespace=namespace, plan=_plan(plan_file),
            mirror=not no_mirror, concurrency=concurrency, expected_disagreement=expected_disagreement,
            retry_refused=retry_refused, run=run,
        )  # fmt: skip
        click.echo(f"rollout {started} is started; `sluicegate rollout status {started} --watch` shows it")
        if wait:
            _finish(_watch(api, namespace, started))


@rollout.command()
@click.argument("name", required=False)
@click.option("-w", "--watch", is_flag=True, help="Until it is over; exit code 1 unless it was promoted.")
@namespace_option
@home_option
def status(name: str | None, watch: bool, namespace: str, home: Path) -> None:
    """Show the rollout NAME, or the newest one."""
    with one_sentence():
        api = api_of(home)
        chosen = name or _newest(api, namespace)
        if watch:
            _finish(_watch(api, namespace, chosen))
        else:
            found = api.find(_path(namespace, chosen))
            if found is None:
                _check_workflow(api, namespace, chosen)
            click.echo(_line(found) if found else f"{chosen}  its workflow is starting")


@rollout.command()
@click.argument("name")
@click.option("--reason", default="", help="Why, for those who see it wait.")
@namespace_option
@home_option
def pause(name: str, reason: str, namespace: str, home: Path) -> None:
    """Hold the rollout NAME where it is; its lease is still renewed by its workflow."""
    _set_paused(home, namespace, name, because=": ".join(filter(None, (f"{getpass.getuser()} paused it", reason))))


@rollout.command()
@click.argument("name")
@namespace_option
@home_option
def resume(name: str, namespace: str, home: Path) -> None:
    """Let a paused rollout go on."""
    _set_paused(home, namespace, name, because=None)


@rollout.command()
@click.argument("name")
@click.option("--by", default="", help="Who approves, for the record; by default you.")
@namespace_option
@home_option
def approve(name: str, by: str, namespace: str, home: Path) -> None:
    """Approve the step of the plan at which the rollout NAME waits."""
    by = by or getpass.getuser()
    with one_sentence():
        api = api_of(home)
        step = (api.get(_path(namespace, name))["spec"].get("desired") or {}).get("step", 0)
        annotations = {f"{GROUP}/approved-step": str(step), f"{GROUP}/approved-by": by}
        api.patch(_path(namespace, name), {"metadata": {"annotations": annotations}})
    click.echo(f"rollout {name}: step {step} is approved by {by}")


@rollout.command()
@click.argument("name")
@click.option("--reason", default="promoted by hand", help="Why, for the record.")
@namespace_option
@home_option
def promote(name: str, reason: str, namespace: str, home: Path) -> None:
    """Promote the candidate now, without waiting for the evidence."""
    _desire(home, namespace, name, "Promote", "PromotedByHand", reason)


@rollout.command()
@click.argument("name")
@click.option("--reason", default="aborted by hand", help="Why, for the record.")
@namespace_option
@home_option
def abort(name: str, reason: str, namespace: str, home: Path) -> None:
    """Put all traffic back and end the rollout."""
    _desire(home, namespace, name, "Abort", "AbortedByHand", reason)


@rollout.command()
@click.argument("deployment", required=False)
@namespace_option
@home_option
def history(deployment: str | None, namespace: str, home: Path) -> None:
    """List the rollouts, of DEPLOYMENT or of all, oldest first."""
    with one_sentence():
        api = api_of(home)
        objects = api.get(_path(namespace))["items"]
        table = api.get(_path(namespace), table=True)
    chosen = {each["metadata"]["name"]: each for each in objects if deployment in {None, each["spec"].get("target")}}
    rows = [row for row in table["rows"] if row["object"]["metadata"]["name"] in chosen]
    rows.sort(key=lambda row: chosen[row["object"]["metadata"]["name"]]["metadata"]["creationTimestamp"])
    if rows:
        print_table(table | {"rows": rows}, wide=True)
    else:
        click.echo("no rollouts", err=True)


def _surroundings(home: Path) -> Api:
    """The API, and around this process what a step needs: of a plane all of it; a cluster's registry you name."""
    api = api_of(home)
    with suppress(NotRunningError):
        found, plane = running_plane(home)
        os.environ.update(plane_environment(found, plane.ports))
    return api


def _started(**arguments: Any) -> str:
    """Through the step, so that the command line and a pipeline start the same rollout."""
    starting = importlib.import_module("sluicegate.components.rollout.starting")
    steps = importlib.import_module("sluicegate.components.errors")
    errors = importlib.import_module("sluicegate.components.rollout.errors")
    client = importlib.import_module("sluicegate.serving.client.errors")
    try:
        return str(starting.start_rollout(**arguments).rollout)
    except (steps.StepError, errors.RolloutError, client.ClientError) as error:
        raise RequestFailedError(str(error)) from error
    except ModuleNotFoundError as error:
        raise RequestFailedError(f"{error.name} is not installed; pip install 'sluicegate[mlflow]'") from error


def _plan(path: Path | None) -> JSON:
    if path is None:
        return {}
    try:
        found = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise RequestFailedError(f"{path}: {error}") from error
    if not isinstance(found, dict):
        raise RequestFailedError(f"{path}: expected a rollout plan (a mapping with steps, objectives, …)")
    return dict(json.loads(json.dumps(found, default=str)))


def _path(namespace: str, name: str = "") -> str:
    return resource_of("modelrollouts")[1].path(namespace, name)


def _newest(api: Api, namespace: str) -> str:
    """The newest rollout; one that was just asked for is so far a workflow of the same name."""
    workflows = api.get(resource_of("workflows")[1].path(namespace))["items"]
    asked = [each for each in workflows if each["spec"].get("workflowTemplateRef", {}).get("name") == _TEMPLATE]
    found = [*api.get(_path(namespace))["items"], *asked]
    if not found:
        raise RequestFailedError(f"there is no rollout in namespace {namespace!r}")
    return str(max(found, key=lambda each: each["metadata"]["creationTimestamp"])["metadata"]["name"])


def _set_paused(home: Path, namespace: str, name: str, *, because: str | None) -> None:
    paused = because is not None
    noted = {"metadata": {"annotations": {PAUSED_ANNOTATION: because}}}
    with one_sentence():
        api_of(home).patch(_path(namespace, name), {**noted, "spec": {"paused": paused}})
    click.echo(f"rollout {name} {'is paused' if paused else 'goes on'}")


def _desire(home: Path, namespace: str, name: str, intent: str, reason: str, message: str) -> None:
    with one_sentence():
        _write_desired(api_of(home), _path(namespace, name), {"intent": intent, "reason": reason, "message": message})
    click.echo(f"rollout {name}: {intent.lower()} is asked for")


def _write_desired(api: Api, path: str, wanted: JSON) -> None:
    """Against the version that was read, again when the workflow wrote meanwhile; a rule's refusal is told at once."""
    for attempts_left in (4, 3, 2, 1, 0):
        current = api.get(path)
        renewal = int((current["spec"].get("desired") or {}).get("renewal", 0)) + 1
        desired = wanted | {"epoch": (current.get("status") or {}).get("epoch", ""), "renewal": renewal}
        version = {"resourceVersion": current["metadata"]["resourceVersion"]}
        try:
            api.patch(path, {"metadata": version, "spec": {"desired": desired}})
        except RequestFailedError as error:
            if attempts_left == 0 or "resourceVersion" not in str(error):
                raise
        else:
            return


def _watch(api: Api, namespace: str, name: str) -> JSON:
    last = ""
    while True:
        found = api.find(_path(namespace, name))
        if found is None:
            _check_workflow(api, namespace, name)
        else:
            line = _line(found)
            if line != last:
                click.echo(line)
            last = line
            if (found.get("status") or {}).get("phase") in _ENDED:
                return found
        time.sleep(_POLL_SECONDS)


def _check_workflow(api: Api, namespace: str, name: str) -> None:
    """Before the rollout there is only its workflow; one that failed will make none."""
    workflow = api.find(resource_of("workflows")[1].path(namespace, name))
    phase = ((workflow or {}).get("status") or {}).get("phase", "")
    if workflow is None or phase in {"Failed", "Error"}:
        message = ((workflow or {}).get("status") or {}).get("message", "there is no such rollout")
        raise RequestFailedError(f"rollout {name}: {message}")


def _line(found: JSON) -> str:
    status = found.get("status") or {}
    traffic = " ".join(f"{name}={share}" for name, share in (status.get("traffic") or {}).items())
    parts = (
        found["metadata"]["name"],
        status.get("phase", "Pending"),
        f"step {status.get('step', 0)}",
        traffic,
        _paused(found),
        ": ".join(filter(None, (status.get("reason", ""), status.get("message", "")))),
    )
    return "  ".join(part for part in parts if part)


def _paused(found: JSON) -> str:
    if not found["spec"].get("paused"):
        return ""
    because = (found["metadata"].get("annotations") or {}).get(PAUSED_ANNOTATION, "")
    return f"paused ({because})" if because else "paused"


def _finish(found: JSON) -> None:
    if (found.get("status") or {}).get("phase") != "Promoted":
        raise SystemExit(1)
