"""The documentation: its links lead somewhere, its examples are read by the code, its reference is the code's own."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from docs import generate

from sluicegate.monitoring.collector.app import make_app
from sluicegate.pipelines.catalogue import find_pipeline
from sluicegate.pipelines.cli.main import cli
from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.plan_rules import plan_errors
from sluicegate.serving.api.rollout_plan import RolloutPlan
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.api.validation import validate_deployment
from sluicegate.serving.server.doors import Doors
from sluicegate.serving.server.exchanges import Request, Response
from sluicegate.serving.server.routing import Call

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(path for path in (ROOT / "docs").rglob("*.md") if "templates" not in path.parts)])
PLAN_FIELDS = {"steps", "objectives", "alpha", "bake", "maxDuration", "lease", "onFailure", "onInconclusive"}
WIDEST = 160
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page: its language and its text."""

    page: Path
    language: str
    text: str


def blocks(page: Path, *languages: str) -> Iterator[Block]:
    """The page's blocks in one of these languages."""
    for language, text in re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        if language in languages:
            yield Block(page, language, text)


def documents(page: Path) -> Iterator[dict[str, Any]]:
    """Every object in the page's YAML."""
    for block in blocks(page, "yaml"):
        yield from (found for found in yaml.safe_load_all(block.text) if isinstance(found, dict))


def prose(page: Path) -> str:
    """The page without its blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the page's headings."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> Iterator[list[str]]:
    """The words of each ``sluicegate`` or ``make`` command of the page, that word first."""
    for block in blocks(page, "bash", "console"):
        for line in block.text.replace("\\\n", " ").splitlines():
            typed = line if block.language == "bash" or line.startswith("$ ") else ""
            if typed.startswith(("helm ", "kubectl ")):
                continue  # there sluicegate is the name of a release or a namespace
            for found in re.finditer(r"(?:^|[\s(/])(sluicegate|make)( [^|&#)]*)", typed):
                yield [found[1], *found[2].split()]


def test_the_reference_is_what_the_code_says() -> None:
    """Nobody edits a generated page, and nobody forgets to write it anew."""
    for name, text in generate.pages().items():
        page = generate.REFERENCE / name
        assert page.is_file(), f"docs/reference/{name} is missing; run: python -m docs.generate"
        assert text == page.read_text(), f"docs/reference/{name} is stale; run: python -m docs.generate"


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file that is there, and a heading that is in it."""
    for target in re.findall(r"\]\(([^)]+)\)", prose(page)):
        if "://" in target:
            continue
        place, _, anchor = target.partition("#")
        found = (page.parent / place).resolve() if place else page
        assert found.exists(), f"{target}: no such file"
        if anchor:
            assert anchor in anchors(found), f"{target}: no such heading"


@each_page
def test_lines_can_be_read(page: Path) -> None:
    """Prose is at most 160 wide; tables and what commands print are as wide as they are."""
    long = [line for line in prose(page).splitlines() if len(line) > WIDEST and not line.startswith("|")]

    assert not long


@each_page
def test_json_and_python_can_be_read(page: Path) -> None:
    """A reader who copies a block gets something whole."""
    for block in blocks(page, "json"):
        json.loads(block.text)
    for block in blocks(page, "python"):
        ast.parse(block.text)


@each_page
def test_plans_are_plans(page: Path) -> None:
    """Every plan that is shown is taken by the API."""
    for found in documents(page):
        if found.keys() <= PLAN_FIELDS:
            assert list(plan_errors(decode(found, RolloutPlan), "plan")) == []


@each_page
def test_deployments_are_deployments(page: Path) -> None:
    """Every SeldonDeployment that is shown is taken by the API."""
    for found in documents(page):
        if found.get("kind") == "SeldonDeployment":
            errors, _ = validate_deployment(decode(found, SeldonDeployment))
            assert errors == ()


@each_page
def test_inputs_of_pipelines_exist(page: Path) -> None:
    """Parameter files and triggers name inputs that the pipeline has."""
    for found in documents(page):
        name, given = "delivery", found if "estimator" in found else {}
        if found.get("kind") == "ConfigMap":
            name, given = found["data"]["pipeline"].split()[0], json.loads(found["data"]["parameters"])
        known = find_pipeline(name).component_spec.inputs if given else {}
        assert given.keys() <= known.keys()


@each_page
def test_commands_exist(page: Path) -> None:
    """Every ``sluicegate`` command that is shown has that name and those options."""
    for words in commands(page):
        if words[0] == "sluicegate":
            check_command(words[1:])


def check_command(words: list[str]) -> None:
    """Walk down the groups, then look at the options."""
    command: click.Command = cli
    context = click.Context(cli, info_name="sluicegate")
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(context, rest.pop(0))
        assert found is not None, f"no command sluicegate {' '.join(words)}"
        command = found
        context = click.Context(command, info_name=command.name, parent=context)
    if command.context_settings.get("ignore_unknown_options"):
        return
    known = {spelling for option in command.get_params(context) for spelling in (*option.opts, *option.secondary_opts)}
    given = {word.partition("=")[0] for word in rest if re.fullmatch(r"-\w|--[\w-]+(=.*)?", word)}
    assert given <= known, f"sluicegate {' '.join(words)}: no option {given - known}"


@each_page
def test_make_targets_exist(page: Path) -> None:
    """Every ``make`` target that is shown, or named in a sentence, is in the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = {words[1] for words in commands(page) if words[0] == "make"}
    named = set(re.findall(r"`make ([a-z-]+)`", prose(page)))

    assert shown | named <= targets


def documented(heading: str) -> set[tuple[str, str]]:
    """Method and path of each row below a heading of the HTTP page, and of those that its rows name besides."""
    text = (generate.REFERENCE / "http.md").read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    found = set()
    for line in text.splitlines():
        first = re.match(r"\| `(GET|POST|PUT) ([^`]+)`", line)
        if first:
            also = re.findall(r"`(/[^`]+)`", line.partition(" also ")[2])
            found |= {(first[1], path) for path in (first[2], *also)}
    return found


def test_the_model_server_has_its_documented_routes() -> None:
    """A path that is there refuses a strange method with the methods that it has."""
    router = Doors(behind=None, worker=None, loop=None, figures=None).router()  # type: ignore[arg-type]  # no handler is called
    for method, path in documented("Model server"):
        answers: list[Response] = []
        asked = Request(method="DELETE", path=re.sub(r"\{\w+\}", "x", path), headers={}, body=b"", received=0.0)
        router.route(Call(request=asked, reply=answers.append, wanted=lambda: True))
        assert answers[0].status == 405, path
        assert method in answers[0].headers.decode(), path


def test_the_collector_has_exactly_its_documented_routes() -> None:
    """The page names each of them."""
    app = make_app(None, None, body_bytes=1)  # type: ignore[arg-type]  # nothing is started
    routes = {(method, route.path) for route in app.routes for method in route.methods or () if method != "HEAD"}

    assert routes == documented("Collector")


def test_every_variable_that_steps_read_is_documented() -> None:
    named = re.compile(r"\bSLUICEGATE_[A-Z_]+|MLFLOW_TRACKING_URI")
    rooms = [*(ROOT / "components").rglob("*.py"), ROOT / "serving/sluicegate/serving/bundle/remotes.py"]
    read = {name for path in rooms for name in named.findall(path.read_text())}
    # Read for one scheme of a model's address, which has a page of its own.
    pages = [ROOT / "docs" / "reference" / "environment.md", ROOT / "docs" / "how-to" / "storages.md"]

    assert read - {name for page in pages for name in named.findall(page.read_text())} == set()
