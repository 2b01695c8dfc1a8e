"""Faces of a step: chain, subcommand, KFP source."""

import json
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pytest
from click.testing import CliRunner

from sluicegate.components.emit.chaining import chain
from sluicegate.components.emit.kfp import component_source
from sluicegate.components.emit.running import run
from sluicegate.components.emit.subcommand import subcommand
from sluicegate.components.emit.values import read_structured, whole
from sluicegate.components.errors import ExtraMissingError, GateNotPassedError, InputRefusedError
from sluicegate.components.step import Input, Output, step


class Counted(NamedTuple):
    """A count."""

    count: int


class Doubled(NamedTuple):
    """Twice the count."""

    double: int


@step("count-words")
def count_words(
    *, text: str, words: Annotated[Path, Output("One a line.")], stop: list[str] | None = None, most: int = 0
) -> Counted:
    """Count words."""
    found = [word for word in text.split() if word not in (stop or [])]
    words.write_text("\n".join(found))
    if most and len(found) > most:
        raise GateNotPassedError(f"found {len(found)} words; expected at most {most}")
    return Counted(len(found))


@step("double", effects=True, extras=("kfp",))
def double(*, words: Annotated[Path, Input("One a line.")], count: int, add: int = 0) -> Doubled:
    """Double a count."""
    assert len(words.read_text().split()) == count
    return Doubled(2 * count + add)


@step("needs-more", extras=("training",))
def needs_more() -> None:
    """Need a library that nobody has."""
    import no_such_library  # noqa: F401


def test_a_chain_passes_on_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What one link returns or writes, the next takes; each says what it found."""
    both = chain("count-and-double", count_words, double, summary="Count, then double.")

    found = both(text="a b c", words=tmp_path / "words", add=1)

    assert found._asdict() == {"count": 3, "double": 7}
    assert capsys.readouterr().out == "count-words: count=3\ndouble: double=7\n"


def test_a_chain_asks_only_for_what_no_link_gives() -> None:
    """It has effects when a link has."""
    both = chain("count-and-double", count_words, double, summary="Count, then double.")

    assert {slot.name: slot.kind for slot in both.inputs} == {
        "text": "parameter", "words": "output", "stop": "parameter", "most": "parameter", "add": "parameter",
    }  # fmt: skip
    assert both.outputs == {"count": int, "double": int}
    assert both.effects


def test_the_subcommand_prints_json_and_leaves_files_for_argo(tmp_path: Path) -> None:
    """One file per output parameter, bare values."""
    found = CliRunner().invoke(
        subcommand(count_words),
        ["--text", "a b the", "--words", str(tmp_path / "w"), "--stop", "the,of", "--outputs-dir", str(tmp_path / "o")],
    )

    assert json.loads(found.output) == {"count": 2}
    assert (tmp_path / "o" / "count").read_text() == "2"


def test_a_gate_is_one_sentence_and_exit_code_1(tmp_path: Path) -> None:
    """No traceback for what is meant to happen."""
    found = CliRunner().invoke(
        subcommand(count_words), ["--text", "a b", "--words", str(tmp_path / "w"), "--most", "1"]
    )

    assert (found.exit_code, found.output) == (1, "Error: GateNotPassedError: found 2 words; expected at most 1\n")


def test_a_missing_library_names_its_extra() -> None:
    """The remedy stands in the message."""
    with pytest.raises(ExtraMissingError, match=r"pip install 'sluicegate\[training\]'"):
        run(needs_more, {})


def test_a_kfp_component_imports_inside_its_body() -> None:
    """And one with effects is never cached."""
    source = component_source(double)

    assert source.startswith("@uncached\n@dsl.component(")
    assert "    words: dsl.Input[dsl.Artifact],\n    count: int,\n    add: int = 0,\n" in source
    assert "\n    from sluicegate.components.emit.kfp_execution import execute\n" in source


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        pytest.param('{"a": 1}', dict, {"a": 1}, id="object"),
        pytest.param('["a, b"]', list, ["a, b"], id="list"),
        pytest.param("a, b", list, ["a", "b"], id="plain-list"),
        pytest.param("", dict, {}, id="nothing"),
    ],
)
def test_structures_are_read_from_text(text: str, kind: type, value: Any) -> None:
    """JSON, and for lists the short form."""
    assert read_structured(text, kind, argument="x") == value


def test_what_is_no_structure_is_refused() -> None:
    """With the argument's name."""
    with pytest.raises(InputRefusedError, match="plan: found a list; expected a dict"):
        read_structured("[1]", dict, argument="plan")


def test_whole_numbers_stay_whole_through_kfp() -> None:
    """KFP's structures know only floats, scikit-learn's max_iter does not."""
    assert repr(whole({"max_iter": 20.0, "rate": 0.5, "deep": [1.0, True]})) == (
        "{'max_iter': 20, 'rate': 0.5, 'deep': [1, True]}"
    )
