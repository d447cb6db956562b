"""Pruning: weights, groups of weights, digits of weights or whole channels that become zero.

magnitude    the smallest weights, anywhere
n_of_m       N of every M neighbours stay
hardware     the units that cost most on the board per bit of accuracy
structured   whole channels and neurons, physically: groups (what goes together), saliency
options      what a user asks of each
ladder       weights that lose signed digits one by one, held while the network trains
gradual      masks that shrink while the network trains, and what they leave
"""
