"""A Hugging Face pipeline, of a tiny model that is made here: texts in, JSON out."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.contract.trained_models import framework

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.runtime.loading import load
from sluicegate.serving.runtime.sources import Loaded, Source

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "flight", "late")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of random weights with its tokenizer, as ``save_pretrained`` writes them."""
    framework("torch")
    transformers = framework("transformers")
    directory = tmp_path_factory.mktemp("saved")
    (directory / "vocab.txt").write_text("\n".join(WORDS))
    transformers.BertTokenizer(str(directory / "vocab.txt")).save_pretrained(directory)
    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    config = transformers.BertConfig(vocab_size=len(WORDS), **size)
    transformers.BertForSequenceClassification(config).save_pretrained(directory)
    return directory


def _load(directory: Path | str, **parameters: Any) -> Loaded:
    source = Source(name="u", implementation="HUGGINGFACE_SERVER", model_uri=str(directory), parameters=parameters)
    return load(source)


def test_a_table_of_texts_is_answered_with_one_json_text_a_row(saved: Path) -> None:
    loaded = _load(saved, task="text-classification")
    expected = framework("transformers").pipeline("text-classification", model=str(saved))(["good flight", "late"])

    answer = loaded.unit.predict(Message(content=np.array([["good flight"], ["late"]], dtype=object)))

    found = [json.loads(each) for each in answer.content]
    assert [each["label"] for each in found] == [each["label"] for each in expected]
    np.testing.assert_allclose([each["score"] for each in found], [each["score"] for each in expected], rtol=1e-5)


@pytest.mark.parametrize(
    ("content", "form"), [("good flight", "strData"), ({"inputs": "good flight"}, "jsonData"), (["good"], "jsonData")]
)
def test_a_text_or_json_is_answered_with_json(saved: Path, content: Any, form: Any) -> None:
    answer = _load(saved, task="text-classification").unit.predict(Message(content=content, form=form))

    assert answer.form == "jsonData"
    assert {"label", "score"} <= set(answer.content[0])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(np.array([[1.0]]), "data row 0: found 1.0", id="a number"),
        pytest.param(np.array([["a", "b"]], dtype=object), "one text a row", id="two columns"),
        pytest.param(np.empty((0, 1), dtype=object), "one text a row", id="no rows"),
        pytest.param(b"bytes", "strData, jsonData or a table", id="bytes"),
    ],
)
def test_what_is_no_text_is_the_callers_fault(saved: Path, content: Any, told: str) -> None:
    with pytest.raises(BadPayloadError, match=told):
        _load(saved, task="text-classification").unit.predict(Message(content=content))


def test_what_makes_no_pipeline_is_refused(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleRefused, match=r"pipeline text-classification: found .+; expected a model"):
        _load(tmp_path, task="text-classification")
    with pytest.raises(BundleRefused, match="task or pretrained_model"):
        _load("")
