"""Circuits of integers: unrolled arithmetic whose every wire is as wide as its own values need.

Circuit  = Node*                                   in topological order, none twice
build    puts nodes together, and computes the exact range of each
solve    turns a constant matrix into shared additions, by alkaid
linear   places such additions into a circuit
schedule deals the nodes to pipeline stages
cost     counts LUTs and flip-flops
bound    says what a matrix takes at least, before it is solved
evaluate computes every node in numpy
"""
