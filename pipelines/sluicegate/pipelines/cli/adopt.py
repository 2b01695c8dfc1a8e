"""``sluicegate adopt --dry-run``: what our operator will change in what Seldon Core's operator made."""

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click
import yaml

from sluicegate.pipelines.cli.tables import print_rows
from sluicegate.serving.operator.adoption import Adoption, Fate
from sluicegate.serving.operator.cluster.access import from_kubeconfig
from sluicegate.serving.operator.errors import OperatorError
from sluicegate.serving.operator.survey import Survey, survey

LOOK_FIRST = 3
"""Exit status when something is restarted, removed, refused or without effect."""
_MOST = 5
"""Changes of one object that people are shown; all are in the other forms."""


@click.command(short_help="Say what changes when what Seldon Core runs is taken over.")
@click.argument("names", nargs=-1, metavar="[NAME]…")
@click.option("--dry-run", is_flag=True, help="Required: nothing is written.")
@click.option("-n", "--namespace", default="default", show_default=True, help="Where the SeldonDeployments are.")
@click.option("-A", "--all-namespaces", is_flag=True, help="All of the cluster's.")
@click.option("-o", "--output", type=click.Choice(["table", "json", "yaml"]), default="table", show_default=True)
@click.option("--kubeconfig", envvar="KUBECONFIG", help="Which cluster; KUBECONFIG, or ~/.kube/config.")
@click.option(
    "--operator-namespace", default="sluicegate", show_default=True, help="Where our operator is, or will be."
)
@click.pass_context
def adopt(
    context: click.Context, names: tuple[str, ...], dry_run: bool, namespace: str, all_namespaces: bool, output: str,
    kubeconfig: str | None, operator_namespace: str,
) -> None:  # fmt: skip
    """Read a cluster on which Seldon Core ran SeldonDeployments, and say what our operator will do with them.

    Nothing has to be started for it: the operator takes over each deployment that it looks after as soon as it runs.
    Exit status: 0 when nothing is disturbed; 3 when pods are replaced, objects removed or refused, or something that is
    asked for has no effect; 1 when the cluster cannot be read.
    """
    if not dry_run:
        raise click.UsageError(
            "say --dry-run. There is nothing to start: the operator takes over each deployment that it looks after as "
            "soon as it runs. To begin with one namespace, set its SLUICEGATE_WATCH_NAMESPACE"
        )
    try:
        access = from_kubeconfig(kubeconfig or str(Path("~/.kube/config").expanduser()))
        place = None if all_namespaces else namespace
        found = asyncio.run(survey(access, place, names, operator_namespace, os.environ))
    except (OperatorError, OSError) as error:
        raise click.ClickException(str(error)) from error
    _show(found, output)
    context.exit(LOOK_FIRST if any(each.disturbs for each in found.adoptions) else 0)


def _show(found: Survey, output: str) -> None:
    told = json.loads(json.dumps(asdict(found)))
    if output == "json":
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    elif output == "yaml":
        click.echo(yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=120), nl=False)
    else:
        for line in found.notes:
            click.echo(f"! {line}")
        _summary(found.adoptions)
        for adoption in found.adoptions:
            click.echo(f"\n{adoption.namespace}/{adoption.name}")
            for line in _lines(adoption):
                click.echo(f"  {line}")


def _summary(adoptions: tuple[Adoption, ...]) -> None:
    if not adoptions:
        click.echo("No SeldonDeployments.")
        return
    rows = [["NAMESPACE", "NAME", "ADOPTED", "OBJECTS", "PODS KEPT", "PODS REPLACED"]]
    for each in adoptions:
        counts = [(word, sum(1 for fate in each.objects if fate.verdict == word)) for word in _WORDS]
        objects = ", ".join(f"{number} {word}" for word, number in counts if number) or "-"
        pods = [sum(fate.number for fate in each.pods if fate.restart is kind) for kind in (False, True)]
        rows.append([each.namespace, each.name, "yes" if each.adopted else "no", objects, *map(str, pods)])
    print_rows(rows)


_WORDS = ("kept", "changed", "created", "replaced", "removed", "refused")


def _lines(adoption: Adoption) -> Iterator[str]:
    if adoption.refusal:
        yield f"not taken over, what runs goes on: {adoption.refusal}"
    for pods in adoption.pods:
        what = "are replaced one after another" if pods.restart else "go on"
        yield f"pods of {pods.deployment} ({pods.number}) {what}" + _because(pods.reasons)
    for fate in adoption.objects:
        yield from _fate(fate)
    for sentence in adoption.unsupported:
        yield f"without effect: {sentence}"
    for sentence in adoption.warnings:
        yield f"warning: {sentence}"
    for sentence in adoption.traffic:
        yield f"traffic: {sentence}"


def _because(reasons: tuple[str, ...]) -> str:
    return f": {'; '.join(reasons)}" if reasons else ""


def _fate(fate: Fate) -> Iterator[str]:
    yield f"{fate.kind} {fate.name}: {fate.verdict}" + _because((fate.reason,) if fate.reason else ())
    found = (each for each in fate.changes if each.path.startswith("spec"))
    # Of a pod that is another's throughout, its images say the most.
    shown = sorted(found, key=lambda each: not each.path.endswith(".image"))
    for change in shown[:_MOST]:
        yield f"  {change.path}: {change.before or '(nothing)'} → {change.after or '(nothing)'}"
    if len(shown) > _MOST:
        yield f"  … and {len(shown) - _MOST} more; -o yaml has all of them"
