"""Writes an ONNX graph as a file."""

import onnx
from onnx import helper

_OPSET = 17
_IR = 8  # what opset 17 came with: a newer runtime reads it, an older one too


def serialise(graph: onnx.GraphProto) -> bytes:
    """The checked file of a graph; the same graph gives the same bytes."""
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR,
        producer_name="coinsphere",
    )
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content
