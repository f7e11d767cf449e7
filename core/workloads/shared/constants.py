"""Numbers that both frameworks must be told, because their defaults differ."""

ADAM_BETAS = (0.9, 0.999)
ADAM_EPSILON = 1e-7
WEIGHT_DECAY = 0.01
SGD_MOMENTUM = 0.9
BATCH_NORM_EPSILON = 1e-5
BATCH_NORM_KEEP = 0.9
"""Share of the old statistics that each step keeps: Keras's `momentum`, one minus PyTorch's."""
LAYER_NORM_EPSILON = 1e-5
