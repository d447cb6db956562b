"""Float network and data to a smaller network: quantize, prune, distill, share, factorize.

    recipe        how long and how fast to train, and what a training run tells
    runs          what every training run does, whichever framework computes it
    training      the training loop for torch networks
    constraints   zeros and shared values that further training keeps
    trainable/    ONNX file or torch module <-> torch network of known modules
    quantize/     fewer bits per weight and activation: torch/ with Brevitas, keras/ with QKeras
    prune/        weights, groups of weights, signed digits, or channels removed
    distill       a student network learns the answers of its teacher
    share         each layer keeps a few values, and an index per weight
    factorize/    a layer split into two or three smaller ones
    evaluate/     how well a network answers, and what it costs
    outcome       what a technique gives back
    types         names for the untyped classes of torch and Keras

torch, Brevitas, TensorFlow and QKeras are imported only when a technique runs. Reading samples
is `data.labelled`; what a user calls is `flows.compress`.
"""
