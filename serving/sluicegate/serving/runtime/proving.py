"""Proof of a loaded model on its bundle's own example: its answers, and whether rows may share a call.

Each framework's ``load`` ends here. Raises BundleRefused with the sentence that reaches the rollout's status.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.bundle.manifest import Signature
from sluicegate.serving.bundle.reading import Bundle
from sluicegate.serving.bundle.verification import compare_answers
from sluicegate.serving.protocol.errors import ProtocolError
from sluicegate.serving.protocol.messages import Array, Message
from sluicegate.serving.runtime.errors import ModelError
from sluicegate.serving.runtime.model_unit import ModelUnit
from sluicegate.serving.runtime.sources import Loaded, Opened

_ROWS = 4
"""Made-up rows for a bare model: enough to see that neighbours matter, quick for the slowest one."""


def proven(unit: ModelUnit, opened: Opened, signature: Signature, *, width: int = 0) -> Loaded:
    """The unit, proven on the bundle's example; a bare model shows on made-up rows of ``width`` numbers whether rows
    are independent. Raises BundleRefused.
    """
    bundle = opened.bundle
    if bundle is None:
        made_up = _made_up(width)
        shared = unit.stackable and made_up is not None and _independent(unit, made_up)
        return Loaded(unit=replace(unit, per_row=shared), signature=signature, metadata=opened.metadata)
    example = bundle.example()
    unit = unit if example is None else _proven(unit, bundle, example)
    return Loaded(
        unit=unit, signature=signature, bundle=bundle, verified=True, example=example, metadata=opened.metadata
    )


def _made_up(width: int) -> Message | None:
    if not width:
        return None
    return Message(content=np.random.default_rng(0).normal(size=(_ROWS, width)))


def _proven(unit: ModelUnit, bundle: Bundle, example: Message) -> ModelUnit:
    expected = bundle.answers()
    if expected is None:
        return unit
    try:
        found = unit.predict(example)
        shared = unit.stackable and same_alone(unit, example, found)
    except (ModelError, ProtocolError) as error:
        raise BundleRefused(bundle.manifest.input_example, str(error), "answers on the bundle's own example") from error
    # Another method than the bundle's, asked for by a parameter, has no expected answers.
    if unit.method == bundle.manifest.method:
        compare_answers(expected, found, bundle.manifest.expected_answers)
    return replace(unit, per_row=shared)


def _independent(unit: ModelUnit, rows: Message) -> bool:
    try:
        return same_alone(unit, rows, unit.predict(rows))
    except (ModelError, ProtocolError):
        return False


def same_alone(unit: ModelUnit, example: Message, together: Message) -> bool:
    """Whether a row's answer is the same beside other rows as alone; only then may requests share a call."""
    table = np.asarray(example.content)
    beside = np.asarray(together.content)
    if beside.shape[:1] != table.shape[:1]:
        return False
    alone = [unit.predict(replace(example, content=table[i : i + 1])).content for i in range(len(table))]
    return close([np.asarray(each) for each in alone], beside)


def close(alone: Sequence[Array], beside: Array) -> bool:
    """Equal, but for the last digits of floating point: BLAS rounds by the number of rows."""
    if any(each.shape[1:] != beside.shape[1:] or each.shape[:1] != (1,) for each in alone):
        return False
    joined = np.concatenate(alone)
    if beside.dtype.kind == "f" and beside.dtype.itemsize < 8:
        return bool(np.allclose(joined, beside, rtol=1e-5, atol=1e-7))
    if beside.dtype.kind in "fiub":
        return bool(np.allclose(joined, beside, rtol=1e-9, atol=1e-12))
    return bool(np.array_equal(joined, beside))
