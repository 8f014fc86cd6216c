"""Runs an ONNX graph on the CPU."""

from onnxruntime import InferenceSession, SessionOptions

_ERRORS = 3


def on_one_thread(graph: bytes) -> InferenceSession:
    """A session that computes in the caller's thread: processes, not threads, share the cores."""
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # A spinning thread burns a core for a second after each call.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # An input with a default, as `global_lstm.FIRST`, is warned of at each load: nothing could be folded that depends on it.
    options.log_severity_level = _ERRORS
    return InferenceSession(graph, options, providers=["CPUExecutionProvider"])
