"""Trained nets as one ONNX graph that gives the mean of their outputs, for the days from `first` on.

The nets stand side by side as the blocks of one LSTM, whose recurrent matrix is zero between them, and the mean of
their linear heads is one linear head: so five seeds cost one pass over the days and not five. The graph is written node
by node, as PyTorch's exporter takes seconds for what are nine nodes.
"""

from collections.abc import Callable, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from scipy.linalg import block_diag

from ml.data.features import NAMES
from ml.data.horizons import HORIZONS
from ml.models.global_lstm import FIRST
from ml.models.networks import onnx_file
from ml.models.networks.global_lstm_network import GlobalLstmNetwork

_Array = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def to_onnx(networks: Sequence[GlobalLstmNetwork]) -> bytes:
    """One graph of nets of the same shape: `inputs` [tokens, days, NAMES] to `shifts` [tokens, days, HORIZONS]."""
    hidden = networks[0].memory.hidden_size
    graph = helper.make_graph(
        _nodes(hidden * len(networks)),
        "global_lstm",
        [
            helper.make_tensor_value_info(
                "inputs", TensorProto.FLOAT, ["tokens", "days", len(NAMES)]
            ),
            helper.make_tensor_value_info(FIRST, TensorProto.INT64, [1]),
        ],
        [
            helper.make_tensor_value_info(
                "shifts", TensorProto.FLOAT, ["tokens", "served", len(HORIZONS)]
            )
        ],
        [
            numpy_helper.from_array(array, name)
            for name, array in _weights(networks, hidden).items()
        ],
    )
    return onnx_file.serialise(graph)


def _nodes(width: int) -> list[onnx.NodeProto]:
    make = helper.make_node
    return [
        make("Transpose", ["inputs"], ["steps"], perm=[1, 0, 2]),
        make("MatMul", ["steps", "entry_weight"], ["entered"]),
        make("Add", ["entered", "entry_bias"], ["shifted"]),
        make("Tanh", ["shifted"], ["bounded"]),
        make("LSTM", ["bounded", "W", "R", "B"], ["states"], hidden_size=width),
        # The axis of directions, of which there is one, makes room for the axis of seeds.
        make("Squeeze", ["states", "directions"], ["state"]),
        # All that follows is for the days that are asked for alone.
        make("Slice", ["state", FIRST, "beyond", "by_days"], ["late"]),
        make("Slice", ["steps", FIRST, "beyond", "by_days"], ["late_steps"]),
        make("Reshape", ["late", "apart"], ["by_seed"]),
        make("LayerNormalization", ["by_seed", "one"], ["normed"], axis=-1, epsilon=1e-5),
        make("Reshape", ["normed", "together"], ["joined"]),
        make("Concat", ["joined", "late_steps"], ["all"], axis=2),
        make("MatMul", ["all", "head_weight"], ["headed"]),
        make("Add", ["headed", "head_bias"], ["by_day"]),
        make("Transpose", ["by_day"], ["shifts"], perm=[1, 0, 2]),
    ]


def _weights(networks: Sequence[GlobalLstmNetwork], hidden: int) -> dict[str, _Array]:
    seeds = len(networks)
    biases = [_array(net.memory.bias_ih_l0) + _array(net.memory.bias_hh_l0) for net in networks]
    bias = _gates(biases, hidden, np.concatenate)
    return {
        "entry_weight": np.concatenate([_array(net.entry.weight) for net in networks]).T.copy(),
        "entry_bias": np.concatenate([_array(net.entry.bias) for net in networks]),
        "W": _gates([_array(net.memory.weight_ih_l0) for net in networks], hidden, _blocks)[None],
        "R": _gates([_array(net.memory.weight_hh_l0) for net in networks], hidden, _blocks)[None],
        "B": np.concatenate((bias, np.zeros_like(bias)))[None],
        "directions": np.array([1]),
        FIRST: np.array([0]),
        "beyond": np.array([np.iinfo(np.int64).max]),
        "by_days": np.array([0]),
        "apart": np.array([0, 0, seeds, hidden]),
        "together": np.array([0, 0, seeds * hidden]),
        "one": np.ones(hidden, dtype=np.float32),
        **_head(networks, hidden),
    }


def _head(networks: Sequence[GlobalLstmNetwork], hidden: int) -> dict[str, _Array]:
    """The mean of the heads, into which each norm's own scale and offset are multiplied."""
    seeds = len(networks)
    states, skips, offsets = [], [], []
    for net in networks:
        weight, bias = _array(net.head.weight), _array(net.head.bias)
        own = weight[:, :hidden]
        states.append(own * _array(net.norm.weight) / seeds)
        skips.append(weight[:, hidden:])
        offsets.append(bias + own @ _array(net.norm.bias))
    head = np.concatenate((*states, np.mean(skips, axis=0)), axis=1)
    return {
        "head_weight": head.T.astype(np.float32),
        "head_bias": np.mean(offsets, axis=0).astype(np.float32),
    }


def _gates(
    arrays: Sequence[_Array], hidden: int, join: Callable[[Sequence[_Array]], _Array]
) -> _Array:
    """Join each gate of all nets, in ONNX's order: input, output, forget, cell; PyTorch's is input, forget, cell, output."""
    parts = [
        join([array[gate * hidden : (gate + 1) * hidden] for array in arrays])
        for gate in (0, 3, 1, 2)
    ]
    return np.concatenate(parts).astype(np.float32)


def _blocks(parts: Sequence[_Array]) -> _Array:
    blocks: _Array = block_diag(*parts)
    return blocks


def _array(tensor: object) -> _Array:
    values: _Array = tensor.detach().numpy()  # type: ignore[attr-defined]  # a parameter
    return values
