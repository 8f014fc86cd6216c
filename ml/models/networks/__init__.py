"""The torch modules that are trained, and how each becomes an ONNX graph."""
