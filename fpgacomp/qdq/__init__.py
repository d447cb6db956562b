"""The integer graph in the form of other engines: quantized ONNX in standard operators."""
