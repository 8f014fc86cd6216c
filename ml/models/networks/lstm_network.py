"""The assessment's LSTM as it is trained: layers of 128, 64 and 32, dropout of 0.2 after each, one output.

It is written to ONNX node by node: PyTorch's exporter takes 8 s for these three layers, and this 20 ms.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ml.models.lstm import STEPS
from ml.models.networks import onnx_file

LAYERS = (128, 64, 32)
DROPOUT = 0.2


class LstmNetwork(nn.Module):
    """Scaled log prices [batch, 60, 1] to the next one, [batch, 1]."""

    def __init__(self) -> None:
        super().__init__()
        sizes = (1, *LAYERS)
        self.layers = nn.ModuleList(
            nn.LSTM(width, hidden, batch_first=True)
            for width, hidden in zip(sizes, LAYERS, strict=False)
        )
        self.dropout = nn.Dropout(DROPOUT)
        self.output = nn.Linear(LAYERS[-1], 1)

    def forward(self, window: Tensor) -> Tensor:
        """The next scaled log price."""
        *lower, top = self.layers
        for layer in lower:
            window = self.dropout(layer(window)[0])
        _, (hidden, _) = top(window)
        result: Tensor = self.output(self.dropout(hidden[-1]))
        return result


def to_onnx(network: LstmNetwork) -> bytes:
    """The network without dropout as an ONNX model: input `window` [batch, 60, 1], output `next` [batch, 1]."""
    nodes = [helper.make_node("Transpose", ["window"], ["steps0"], perm=[1, 0, 2])]
    weights: list[onnx.TensorProto] = []
    for index, layer in enumerate(network.layers):
        if not isinstance(layer, nn.LSTM):
            raise TypeError(f"layer {index} is {type(layer)}")
        nodes += _layer_nodes(index, layer.hidden_size)
        weights += _layer_weights(index, layer)
    nodes += [
        helper.make_node("Squeeze", [f"hidden{len(LAYERS) - 1}", "direction"], ["last"]),
        helper.make_node("Gemm", ["last", "W", "B"], ["next"], transB=1),
    ]
    weights += [
        numpy_helper.from_array(network.output.weight.detach().numpy(), "W"),
        numpy_helper.from_array(network.output.bias.detach().numpy(), "B"),
        numpy_helper.from_array(np.array([0]), "direction"),
        numpy_helper.from_array(np.array([1]), "directions"),
    ]
    window = helper.make_tensor_value_info("window", TensorProto.FLOAT, ["batch", STEPS, 1])
    output = helper.make_tensor_value_info("next", TensorProto.FLOAT, ["batch", 1])
    graph = helper.make_graph(nodes, "lstm", [window], [output], weights)
    return onnx_file.serialise(graph)


def _layer_nodes(index: int, hidden: int) -> list[onnx.NodeProto]:
    names = [f"steps{index}", f"W{index}", f"R{index}", f"B{index}"]
    outputs = [f"all{index}", f"hidden{index}"]
    return [
        helper.make_node("LSTM", names, outputs, hidden_size=hidden),
        # ONNX keeps an axis of directions, of which there is one.
        helper.make_node("Squeeze", [f"all{index}", "directions"], [f"steps{index + 1}"]),
    ]


def _layer_weights(index: int, layer: nn.LSTM) -> list[onnx.TensorProto]:
    inputs, recurrent, bias_in, bias_hidden = (
        _reorder(getattr(layer, f"{name}_l0").detach().numpy())
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    biases = np.concatenate((bias_in, bias_hidden))
    return [
        numpy_helper.from_array(array[None], f"{name}{index}")
        for name, array in (("W", inputs), ("R", recurrent), ("B", biases))
    ]


def _reorder(
    gates: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Gates in ONNX's order, input, output, forget, cell, from PyTorch's input, forget, cell, output."""
    entry, forget, cell, out = np.split(gates, 4)
    return np.concatenate((entry, out, forget, cell))
