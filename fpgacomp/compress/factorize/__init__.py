"""Layers split into smaller ones that compute nearly the same.

options      what a user asks for
low_rank     dense and convolution layers into two of a lower rank (SVD)
separable    k x k convolutions into depthwise and pointwise, or into groups
factorize    choose the layers, split them, let the network recover
"""
