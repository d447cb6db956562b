"""Quantization of torch networks with Brevitas."""
