"""Layers split into smaller ones that compute nearly the same.

options      what a user asks for
moments      what the layers read, so that a split keeps what matters
low_rank     dense and convolution layers as two of a lower rank (SVD)
windows      k x k convolutions as k x 1 and 1 x k, or with fewer channels around (Tucker-2)
separable    k x k convolutions as depthwise and pointwise, or in groups
factorize    chooses the layers, splits them, and trains the network
"""
