"""Pruning: weights, groups of weights, signed digits of weights, or whole channels are removed.

options      what a user asks of each method
magnitude    the smallest weights become zero, wherever they are
n_of_m       of every M neighbouring weights N stay
structured   channels and neurons are cut out of the network
hardware     weights and digits go where the estimate of a board says that it pays
gradual      masks that shrink while the network trains, and what they leave
ladder       weights that lose signed digits one by one while the network trains
groups       which channels can only be removed together
saliency     how important a channel is
"""
