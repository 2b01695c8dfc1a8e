"""Hugging Face: a pipeline of ``transformers`` for a task; texts in, JSON out.

Loaded through ``loading`` when HUGGINGFACE_SERVER is served. A text (``strData``) or JSON (``jsonData``, arguments by
name, or the input itself) is answered with JSON; a table of texts with one JSON text a row, as Seldon's v2 server does.
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import transformers

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.protocol.errors import BadPayloadError, shown
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.runtime.model_unit import ModelUnit
from sluicegate.serving.runtime.sources import Loaded, Source, open_source

_PARAMETERS = ("task", "pretrained_model", "pretrained_tokenizer", "optimum_model")


def load(source: Source) -> Loaded:
    """Make the pipeline. Raises BundleRefused."""
    path, bundle = open_source(source)
    if bundle is not None:
        raise BundleRefused("modelUri", "a bundle", "a directory that save_pretrained wrote, or pretrained_model")
    stated = {name: source.parameters.get(name) for name in _PARAMETERS}
    model = stated["pretrained_model"] or (str(path) if path is not None else None)
    if model is None and not stated["task"]:
        raise BundleRefused("modelUri", "none", "it, or the parameter task or pretrained_model")
    pipeline = _pipeline(bool(stated["optimum_model"]), stated["task"], model, stated["pretrained_tokenizer"])
    unit = ModelUnit(
        name=source.name,
        model=pipeline,
        take=lambda message: message,
        engine=lambda message: _answer(pipeline, message),
    )
    return Loaded(unit=unit)


def _pipeline(optimum: bool, task: str | None, model: str | None, tokenizer: str | None) -> Callable[..., Any]:
    try:
        made: Callable[..., Any]
        if optimum:
            from optimum.onnxruntime import pipeline  # a library of its own, for this parameter alone

            made = pipeline(task, model=model, tokenizer=tokenizer, accelerator="ort")
        else:
            made = transformers.pipeline(task, model=model, tokenizer=tokenizer, device="cpu")
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        expected = f"a model that transformers {transformers.__version__} makes a pipeline of"
        raise BundleRefused(f"pipeline {task or model}", reason[:500], expected) from error
    return made


def _answer(pipeline: Callable[..., Any], message: Message) -> Message:
    content = message.content
    if isinstance(content, str):
        return Message(content=_plain(pipeline(content)), form="jsonData", meta=message.meta)
    if isinstance(content, dict):
        named = dict(content)
        # Pipelines call their input by different names, or by none.
        first = [named.pop(name) for name in ("args", "inputs") if name in named]
        return Message(content=_plain(pipeline(*first, **named)), form="jsonData", meta=message.meta)
    if isinstance(content, list):
        return Message(content=_plain(pipeline(content)), form="jsonData", meta=message.meta)
    if not isinstance(content, np.ndarray):
        raise BadPayloadError("(body)", message.form, "strData, jsonData or a table of texts")
    texts = _texts(content)
    answers = [json.dumps(_plain(each)) for each in pipeline(texts)]
    return Message(content=np.array(answers, dtype=object), form=message.form, meta=message.meta)


def _texts(content: Any) -> list[str]:
    if content.ndim not in (1, 2) or content.shape[1:] not in ((), (1,)) or not content.size:
        raise BadPayloadError("data", f"shape {list(content.shape)}", "one text a row")
    texts: list[str] = content.ravel().tolist()
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise BadPayloadError(f"data row {row}", shown(text), "a string")
    return texts


def _plain(answer: Any) -> Any:
    """As JSON has it: numpy's numbers are Python's."""
    if isinstance(answer, dict):
        return {str(name): _plain(value) for name, value in answer.items()}
    if isinstance(answer, list | tuple):
        return [_plain(value) for value in answer]
    return answer.tolist() if hasattr(answer, "tolist") else answer
