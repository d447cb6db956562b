"""Float network and data to a smaller network: quantize, prune, distill, share, factorize.

data            samples with labels, split once and for all into train, validation and test
training        the training loop: progress, best state, checkpoint, seed
constraints     zeros and shared values that further training keeps
network         float ONNX or torch module <-> torch network of known modules
quantize, prune, distill, share, factorize    one technique each: network -> Outcome
evaluate        how well a network does, and what it costs

torch, Brevitas, TensorFlow and QKeras are imported here alone, and only when a technique runs.
"""
