"""``sluicegate batch``: predictions of a whole file, with the options of Seldon's batch processor."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from sluicegate.pipelines.cli.options import home_option, namespace_option, running_plane
from sluicegate.pipelines.plane.errors import PlaneError
from sluicegate.serving.client.batch.items import open_input
from sluicegate.serving.client.batch.journal import Journal, discard
from sluicegate.serving.client.batch.messages import Form
from sluicegate.serving.client.batch.outputs import check_output, write_output
from sluicegate.serving.client.batch.running import Batch, Plan, checked
from sluicegate.serving.client.errors import BatchRefusedError, ClientError

INTERRUPTED = 130


@click.command(short_help="Ask a deployment for predictions of a whole file.")
@click.option("-d", "--deployment-name", "deployment", required=True, help="The SeldonDeployment.")
@namespace_option
@click.option("-h", "--host", default="", help="HOST:PORT or URL of the gateway; the plane's, if it is not said.")
@click.option(
    "-g", "--gateway-type", "gateway", type=click.Choice(["istio", "ambassador", "seldon"]), default="istio",
    show_default=True, help="seldon: HOST is the predictor itself. Others: a gateway, by /seldon/NAMESPACE/NAME.",
)  # fmt: skip
@click.option("-t", "--transport", type=click.Choice(["rest", "grpc"]), default="rest", show_default=True,
              help="How requests go.")  # fmt: skip
@click.option("-i", "--input-data-path", "source", required=True, type=click.Path(path_type=Path),
              help="JSON lines, .csv with a header, or .parquet.")  # fmt: skip
@click.option("-o", "--output-data-path", "output", required=True, type=click.Path(path_type=Path),
              help="JSON lines, or a table if it ends in .csv or .parquet.")  # fmt: skip
@click.option(
    "-a", "--data-type", type=click.Choice(["data", "json", "str", "raw"]), default="data", show_default=True,
    help="What a line is: a row, rows or a row by column names; jsonData; text; or a whole message.",
)  # fmt: skip
@click.option("-p", "--payload-type", "payload", type=click.Choice(["ndarray", "tensor"]), default="ndarray",
              show_default=True, help="How rows are sent.")  # fmt: skip
@click.option("-m", "--method", type=click.Choice(["predict", "feedback"]), default="predict", show_default=True,
              help="feedback: each line is a whole Feedback.")  # fmt: skip
@click.option("-w", "--workers", type=click.IntRange(1, 1024), default=1, show_default=True,
              help="Requests at a time.")  # fmt: skip
@click.option("-r", "--retries", type=click.IntRange(0, 100), default=3, show_default=True,
              help="How often a request that failed is sent again, after growing pauses.")  # fmt: skip
@click.option("-s", "--batch-size", type=click.IntRange(1), default=1, show_default=True,
              help="Items in one request; rows only.")  # fmt: skip
@click.option("-u", "--batch-id", default="", help="Stands in each item's tags; the output's name, if it is not said.")
@click.option("--batch-interval", type=click.FloatRange(0), default=0.0, show_default=True, metavar="SECONDS",
              help="Pause of each worker between requests.")  # fmt: skip
@click.option("--timeout", type=click.FloatRange(0.01), default=30.0, show_default=True, metavar="SECONDS",
              help="Longest wait for an answer.")  # fmt: skip
@click.option("--keep-order", "in_order", is_flag=True, help="The output in the order of the input.")
@click.option("--retry-failed", is_flag=True, help="Ask those again that failed in the run before.")
@click.option("--overwrite", is_flag=True, help="Begin anew, whatever output or unfinished run is there.")
@click.option("--use-ssl", is_flag=True, help="TLS.")
@click.option("--ssl-verify/--no-ssl-verify", default=True, show_default=True, help="Check the server's certificate.")
@click.option("--call-credentials-token", "token", default="", envvar="SLUICEGATE_TOKEN",
              help="Bearer token. [env: SLUICEGATE_TOKEN]")  # fmt: skip
@home_option
def batch(deployment: str, namespace: str, source: Path, output: Path, **options: Any) -> None:
    """Send the rows of a file to a deployment and write the answers down.

    Answers are kept in OUTPUT.part as they come; a run that was killed goes on there when it is started again, and no
    row stands in the output twice. Exit code 1: some items failed; --retry-failed asks those again.
    """
    try:
        if options["overwrite"]:
            discard(output)
        check_output(output, again=options["retry_failed"])
        failed, finished = _run(deployment, namespace, source, output, options)
    except (ClientError, PlaneError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if not finished:
        click.echo(f"interrupted; the same command goes on from {output}.part", err=True)
        sys.exit(INTERRUPTED)
    if failed:
        raise click.ClickException(
            f"{failed} items failed, their errors stand in {output}; --retry-failed asks them again"
        )


def _run(deployment: str, namespace: str, source: Path, output: Path, options: dict[str, Any]) -> tuple[int, bool]:
    given = open_input(source, "raw" if options["method"] == "feedback" else options["data_type"])
    plan = _plan(deployment, namespace, given.names, output, options)
    count = checked(given, plan.form)
    journal = Journal(output, _subject(source, plan))
    try:
        if options["retry_failed"]:
            journal.forget_failures()
        with _progress(count, len(journal.done)) as told:
            running = Batch(plan, given, journal, told)
            asyncio.run(_until_interrupted(running))
    finally:
        journal.close()
    if running.stopping and len(journal.done) < count:
        return journal.failed, False
    write_output(output, journal.answers(in_order=options["in_order"]))
    if not journal.failed:
        journal.remove()
    return journal.failed, True


def _plan(deployment: str, namespace: str, names: tuple[str, ...], output: Path, options: dict[str, Any]) -> Plan:
    feedback = options["method"] == "feedback"
    form = Form(
        data_type="raw" if feedback else options["data_type"],
        payload=options["payload"],
        names=names,
        batch_id=options["batch_id"] or output.name,
        feedback=feedback,
    )
    by_grpc, seldon = options["transport"] == "grpc", options["gateway"] == "seldon"
    if by_grpc and not options["ssl_verify"]:
        raise BatchRefusedError("gRPC checks certificates always; found --no-ssl-verify with --transport grpc")
    route = {} if seldon else {"seldon": deployment, "namespace": namespace}
    rights = {"authorization": f"Bearer {options['token']}"} if options["token"] else {}
    return Plan(
        address=_host(options) if by_grpc else _address(deployment, namespace, options),
        grpc=by_grpc,
        tls=options["use_ssl"],
        metadata=tuple((route | rights).items()),
        form=form,
        workers=options["workers"],
        retries=options["retries"],
        batch_size=options["batch_size"],
        interval=options["batch_interval"],
        timeout=options["timeout"],
        token=options["token"],
        verify=options["ssl_verify"],
    )


def _host(options: dict[str, Any]) -> str:
    return str(options["host"] or running_plane(options["home"])[1].ports.addresses()["gateway"])


def _address(deployment: str, namespace: str, options: dict[str, Any]) -> str:
    host = _host(options)
    base = host if "://" in host else f"{'https' if options['use_ssl'] else 'http'}://{host}"
    prefix = "" if options["gateway"] == "seldon" else f"/seldon/{namespace}/{deployment}"
    door = "feedback" if options["method"] == "feedback" else "predictions"
    return f"{base.rstrip('/')}{prefix}/api/v1.0/{door}"


def _subject(source: Path, plan: Plan) -> dict[str, Any]:
    """What must be the same for a run to go on: what is asked, and whom."""
    found = source.stat()
    form = plan.form
    return {
        "address": " ".join(["grpc", plan.address, *_route(plan)]) if plan.grpc else plan.address,
        "input": [str(source.resolve()), found.st_size, found.st_mtime_ns],
        "form": [form.data_type, form.payload, form.batch_id, form.feedback],
    }


def _route(plan: Plan) -> list[str]:
    return [value for name, value in plan.metadata if name != "authorization"]


async def _until_interrupted(running: Batch) -> None:
    def stop() -> None:
        running.stopping = True

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await running.run()


@contextmanager
def _progress(count: int, done: int) -> Iterator[Any]:
    """A bar where people look, nothing in a log but the last line."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("0 failed", total=count, completed=done)
        seen = [done, 0]

        def told(answered: int, failed: int) -> None:
            seen[:] = answered, failed
            bar.update(task, completed=answered, description=f"{failed} failed")

        yield told
    click.echo(
        f"{seen[0]} of {count} items answered, {seen[1]} failed" + (f", {done} before" if done else ""), err=True
    )
