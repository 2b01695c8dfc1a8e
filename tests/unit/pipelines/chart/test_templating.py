"""An object becomes a template: what a place names is the chart's, everything else stays as it is."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.pipelines.chart.templating import Lines, Place, Word, Yaml, template

TEXTS = st.text("abcXYZ019 :#{}'\"-\n", max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXTS, below, max_size=3),
    max_leaves=12,
)
MADE = {"kind": "Deployment", "spec": {"replicas": 2, "image": "a/b:1", "env": [{"name": "A", "value": "1"}]}}


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_without_places_a_template_is_the_object(made: dict[str, object]) -> None:
    assert yaml.safe_load(template(made, ())) == made


def test_a_word_stands_in_its_line() -> None:
    text = template(MADE, [Place(("spec", "replicas"), Word("{{ .Values.replicas }}"))])

    assert "  replicas: {{ .Values.replicas }}\n  image: a/b:1\n" in text


def test_a_value_of_many_lines_is_a_field_only_where_it_is_set() -> None:
    text = template(MADE, [Place(("spec", "tolerations"), Yaml(".Values.tolerations"))])

    assert "  {{- with .Values.tolerations }}\n  tolerations:\n    {{- toYaml . | nindent 4 }}\n  {{- end }}\n" in text


def test_lines_stand_behind_the_last_item_of_a_list() -> None:
    text = template(MADE, [Place(("spec", "env", -1), Lines("- name: B\n  value: {{ .Values.b }}"))])

    assert text.endswith("  - name: A\n    value: '1'\n  - name: B\n    value: {{ .Values.b }}\n")


def test_the_object_itself_stays_as_it_was() -> None:
    before = yaml.safe_dump(MADE)
    template(MADE, [Place(("spec", "env", -1), Lines("- name: B"))])

    assert yaml.safe_dump(MADE) == before


def test_a_place_that_is_not_there_is_said() -> None:
    with pytest.raises(KeyError, match="strategy"):
        template(MADE, [Place(("spec", "strategy", "type"), Word("{{ .Values.type }}"))])


def test_a_condition_is_around_the_whole_object() -> None:
    text = template(MADE, (), ".Values.enabled")

    assert (text.splitlines()[0], text.splitlines()[-1]) == ("{{- if .Values.enabled }}", "{{- end }}")
