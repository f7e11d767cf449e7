"""Gradient norms per tensor, and what a program says by itself when part of a network gets no gradient.

Two faults are put into the MNIST CNN: `cut`, the graph is broken before the dense layers, so that the convolutions have no gradient;
`dead`, a bias of -1000 before the second ReLU, so that theirs is exactly zero.
"""

#: Bias of the second convolution in the network with the fault `dead`.
DEAD_BIAS = -1000.0
