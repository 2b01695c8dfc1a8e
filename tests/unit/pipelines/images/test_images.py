"""Which program builds images, with which command; what goes into a class's image."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from images.build import IMAGES, requirements

from sluicegate.components.emit.image import IMAGE
from sluicegate.pipelines.cli.main import cli
from sluicegate.pipelines.images.builders import bytes_of, find_builder
from sluicegate.pipelines.images.errors import ImageError, NoBuilderError
from sluicegate.pipelines.images.python_class import dockerfile, plan_image
from sluicegate.serving.runtime.catalogue import PREPACKAGED

ROOT = Path(__file__).parents[4]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize(
    ("working", "found"),
    [({"docker", "buildah"}, "docker"), ({"podman", "buildah"}, "podman"), ({"buildah"}, "buildah")],
    ids=["docker first", "then podman", "then buildah"],
)
def test_the_first_that_works_builds(working: set[str], found: str) -> None:
    """A client without its daemon does not work."""
    assert find_builder({}, lambda command: command[0] in working).command == (found,)


def test_without_any_the_error_says_what_to_do() -> None:
    with pytest.raises(NoBuilderError, match=r"none of docker, podman, buildah works; install one.*IMAGE_TOOL"):
        find_builder({}, lambda _: False)


def test_a_named_program_is_taken_with_its_options_and_not_asked() -> None:
    asked: list[Sequence[str]] = []
    environment = {
        "IMAGE_TOOL": "buildah --root /x",
        "IMAGE_BUILD_OPTIONS": "--network host",
        "IMAGE_PUSH_OPTIONS": "-q",
    }

    builder = find_builder(environment, lambda command: not asked.append(command))

    built = builder.build(Path("c"), Path("f"), "n:1", target="t", arguments={"BASE": "b"})
    assert asked == []
    assert " ".join(built) == (
        "buildah --root /x build --layers --network host --file f --tag n:1 --target t --build-arg BASE=b c"
    )
    assert " ".join(builder.push("n:1")) == "buildah --root /x push -q n:1 docker://n:1"


def test_an_unknown_program_is_refused() -> None:
    with pytest.raises(NoBuilderError, match="found 'kaniko'; expected docker, podman, buildah"):
        find_builder({"IMAGE_TOOL": "kaniko"}, lambda _: True)


@pytest.mark.parametrize(("text", "size"), [("391 MB", 391_000_000), ("1.2 GB", 1_200_000_000)])
def test_sizes_are_read(text: str, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize("name", IMAGES)
def test_each_image_is_a_target_with_an_entry_point_and_a_row(name: str) -> None:
    text = (ROOT / "images" / "Dockerfile").read_text()

    parent = IMAGES[name].on or "runtime"
    stage = text.partition(f"\nFROM {parent} AS {name}\n")[2].partition("\nFROM")[0]

    assert "COPY --from=" in stage
    assert ("ENTRYPOINT [" in stage) == (parent == "runtime")  # another image's entry point is inherited
    assert f"requirements/{name}.txt" in text
    assert f"| `{name}` |" in (ROOT / "docs" / "reference" / "images.md").read_text()


def test_the_servers_image_has_what_serving_needs_and_nothing_else() -> None:
    found = requirements(PROJECT, IMAGES["server-sklearn"])

    base = {each for each in PROJECT["dependencies"] if not each.startswith(("click", "rich"))}
    extras = PROJECT["optional-dependencies"]
    assert set(found) == base | set(extras["serving"]) | set(extras["tracing"])


def test_every_server_that_the_operator_names_is_an_image() -> None:
    named = {each.image for each in PREPACKAGED.values() if each.image}

    assert named == {name for name in IMAGES if name.startswith("server-")}
    for each in PREPACKAGED.values():
        assert each.extra in PROJECT["optional-dependencies"]
        assert not each.image or each.extra in IMAGES[each.image].extras


def test_templates_name_the_image_that_is_built() -> None:
    assert f"sluicegate/steps:{PROJECT['version']}{IMAGES['steps'].suffix}" == IMAGE


def test_a_class_gets_its_module_and_what_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "thresholds.py").touch()
    (tmp_path / "weights.bin").touch()
    (tmp_path / "secret.key").touch()

    image = plan_image("thresholds.Threshold", tmp_path, "base:1", ("weights.bin",), requirements=True)

    assert image.files == ("thresholds.py", "weights.bin")
    text = dockerfile(image)
    assert text.startswith("FROM base:1\nUSER 0\nCOPY requirements.txt")
    assert "SLUICEGATE_IMPLEMENTATION=thresholds.Threshold" in text
    assert text.index("USER 8888:8888") < text.index("from thresholds import Threshold")


def test_a_package_is_taken_whole(tmp_path: Path) -> None:
    (tmp_path / "team" / "models").mkdir(parents=True)

    assert plan_image("team.models.Best", tmp_path, "base:1", (), requirements=False).files == ("team",)


@pytest.mark.parametrize(
    ("implementation", "include", "words"),
    [
        pytest.param("Threshold", (), "expected module.Class", id="no module"),
        pytest.param('a".b', (), "expected module.Class", id="no name"),
        pytest.param("missing.Class", (), "--directory", id="not there"),
        pytest.param("thresholds.Threshold", ("../x",), "--include", id="outside"),
    ],
)
def test_what_cannot_go_in_is_refused(
    tmp_path: Path, implementation: str, include: tuple[str, ...], words: str
) -> None:
    (tmp_path / "thresholds.py").touch()

    with pytest.raises(ImageError, match=words):
        plan_image(implementation, tmp_path, "base:1", include, requirements=False)


def test_the_dockerfile_can_be_printed_without_a_builder() -> None:
    directory = str(ROOT / "examples" / "python-class")

    done = CliRunner().invoke(cli, ["build-image", "thresholds.Threshold", "--directory", directory, "--print"])

    assert done.exit_code == 0
    assert done.output.startswith(f"FROM sluicegate/server-sklearn:{PROJECT['version']}\n")


def test_a_build_runs_the_named_program_on_a_context_of_its_own(tmp_path: Path) -> None:
    """The program here shows what it is given instead of building."""
    tool = tmp_path / "buildah"
    tool.write_text('#!/bin/sh\nfor last; do :; done\necho "$@"\ncd "$last" && find . -type f | sort\n')
    tool.chmod(0o755)
    arguments = ["build-image", "thresholds.Threshold", "--directory", str(ROOT / "examples" / "python-class")]

    done = CliRunner().invoke(cli, [*arguments, "--image", "x:1"], env={"IMAGE_TOOL": str(tool)})

    assert done.exit_code == 0
    assert f"$ {tool} build --layers --file " in done.output
    assert done.output.endswith("x:1 serves thresholds.Threshold\n")
