"""What the name of a node in a TensorFlow graph says: its layer and its phase.

Keras puts the names of model and layer around every operation (`mnist_cnn_1/conv1_1/Relu`), the gradient tape and the
optimizer put their own (`gradient_tape/…`, `adam/…`). No part says which of these it is, so it is told by known words.
"""

from __future__ import annotations

import re

#: Scopes that wrap a graph without being part of the model.
_WRAPPERS = re.compile(r"^(?:(?:Stateful)?PartitionedCall(?:_\d+)?|while|cond|body|compile_loss|XlaModule|jit\([^)]*\)|jvp\([^)]*\))/")
_TAPE = re.compile(r"^(?:gradient_tape|gradients|transpose\(jvp\([^)]*\)\))(?:_\d+)?/")
#: JAX, where a gradient is asked for.
_DIFFERENTIATED = re.compile(r"(?:^|/)jvp\([^)]*\)/")
_OPTIMIZER = re.compile(
    r"^(?:adam_?w?|adamax|nadam|sgd|rm_?sprop|adagrad|adadelta|adafactor|ftrl|lion|lamb|muon|loss_scale_optimizer)(?:_\d+)?(?:/|$)",
    re.IGNORECASE,
)
_LOSS = re.compile(r"crossentropy|^mean_|hinge|^huber|^log_cosh|divergence|^poisson|similarity|_loss$")
_GRADIENT = re.compile(r"Grad(?:V\d|Args)?$|Backprop|GradWith")
#: A part that an operation put there and not a layer: TensorFlow's own are capitalised, these are Keras's.
_OPERATION = re.compile(r"^(?:[A-Z_]|(?:convolution|truediv|moments|batchnorm|add|sub|mul|div_no_nan|einsum|strided_slice|zeros|ones)(?:_\d+)?$)")
_IN_INPUT = re.compile(r"Iterator|Dataset|^Optional")


def gradient_type(op_type: str) -> bool:
    """Whether an operation computes a gradient, by its type alone."""
    return _GRADIENT.search(op_type) is not None


def input_type(op_type: str) -> bool:
    """Whether an operation belongs to a `tf.data` pipeline, by its type alone."""
    return _IN_INPUT.search(op_type) is not None


def layer_and_phase(scope: str, op_type: str) -> tuple[str | None, str]:
    """Layer and phase of a node.

    Layer: the part of the scope directly below the model's, or the model itself for what it does outside its layers, or the
    loss; None where the node is in none of them. Phase: `other` where the name does not tell.
    """
    path = scope
    while (inner := _WRAPPERS.sub("", path)) != path:
        path = inner
    if _OPTIMIZER.match(path):
        return None, "optimizer"
    backward = _TAPE.match(path) is not None
    path = _TAPE.sub("", path)
    while (inner := _WRAPPERS.sub("", path)) != path:
        path = inner
    parts = path.split("/")[:-1]
    layer = None
    if parts and _LOSS.search(parts[0]):
        layer = parts[0]
    elif parts and not _OPERATION.match(parts[0]):
        layer = parts[1] if len(parts) > 1 and not _OPERATION.match(parts[1]) else parts[0]
    if backward or gradient_type(op_type):
        return layer, "backward"
    if layer is not None or _DIFFERENTIATED.search(scope):
        return layer, "forward"
    return None, "input" if input_type(op_type) else "other"
