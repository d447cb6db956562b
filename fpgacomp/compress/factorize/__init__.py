"""Layers split into smaller ones that compute nearly the same.

options      what a user asks for
low_rank     dense and convolution layers into two of a lower rank (SVD)
windows      k x k convolutions into k x 1 and 1 x k, or with fewer channels around (Tucker-2)
separable    k x k convolutions into depthwise and pointwise, or into groups
factorize    choose the layers, split them, let the network recover
"""
