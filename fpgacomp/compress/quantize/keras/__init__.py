"""Quantization of Keras models with QKeras."""
