"""Messages and tensors of all kinds, for property tests."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sluicegate.serving.protocol.messages import Message, Meta, Metric
from sluicegate.serving.protocol.tensors import NUMPY_TYPES

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
NAMES = st.text("abcxyz", min_size=1, max_size=6)
SINGLE = st.floats(width=32, allow_nan=False, allow_infinity=False)
JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | SINGLE | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
SHAPES = arrays.array_shapes(min_dims=1, max_dims=3, max_side=4)
METRICS = st.builds(
    Metric,
    key=NAMES,
    kind=st.sampled_from(["COUNTER", "GAUGE", "TIMER"]),
    value=st.integers(-1000, 1000).map(lambda eighths: eighths / 8),
    tags=st.dictionaries(NAMES, TEXT, max_size=2),
)
METAS = st.builds(
    Meta,
    puid=st.text("abc-123", max_size=8),
    tags=st.dictionaries(NAMES, JSON, max_size=3),
    routing=st.dictionaries(NAMES, st.integers(-2, 5), max_size=2),
    request_path=st.dictionaries(NAMES, TEXT, max_size=2),
    metrics=st.lists(METRICS, max_size=2).map(tuple),
)
_DOUBLES = st.floats(allow_nan=False, allow_infinity=False)


def tensors(datatype: str) -> st.SearchStrategy[Any]:
    """Arrays of one of Open Inference's types, finite."""
    if datatype == "BYTES":
        return arrays.arrays(object, SHAPES, elements=TEXT)
    dtype = np.dtype(NUMPY_TYPES[datatype])
    elements = {"elements": {"allow_nan": False, "allow_infinity": False}} if dtype.kind == "f" else {}
    return arrays.arrays(dtype, SHAPES, **elements)


def messages() -> st.SearchStrategy[Message]:
    """Messages of every form that Seldon has."""
    tables = arrays.arrays(np.float64, SHAPES, elements=_DOUBLES)
    typed = st.sampled_from(["BOOL", "INT8", "UINT16", "INT64", "UINT64", "FP16", "FP32", "FP64", "BYTES"])
    contents = st.one_of(
        st.tuples(st.just("ndarray"), tables | arrays.arrays(object, SHAPES, elements=TEXT)),
        st.tuples(st.just("tensor"), tables),
        st.tuples(st.just("tftensor"), typed.flatmap(tensors)),
        st.tuples(st.just("strData"), TEXT),
        st.tuples(st.just("binData"), st.binary(max_size=16)),
        st.tuples(st.just("jsonData"), JSON),
    )
    names = st.lists(NAMES, max_size=3).map(tuple)
    return st.builds(
        lambda pair, meta, names: Message(
            content=pair[1], form=pair[0], meta=meta, names=names if pair[0] in _TABLES else ()
        ),
        contents,
        METAS,
        names,
    )


_TABLES = ("ndarray", "tensor", "tftensor")


def same(one: Message, other: Message) -> bool:
    """Whether two messages say the same; numbers of JSON have no type."""
    if isinstance(one.content, np.ndarray):
        equal = isinstance(other.content, np.ndarray) and one.content.shape == other.content.shape
        equal = equal and one.content.tolist() == other.content.tolist()
    else:
        equal = bool(one.content == other.content)
    return equal and (one.form, one.names, one.meta) == (other.form, other.names, other.meta)
