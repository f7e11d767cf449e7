"""Scalars for TensorBoard: written by each framework's own writer, read back by TensorBoard's reader.

TensorBoard imports TensorFlow where it finds it. `without_tensorflow` keeps it from that, by TensorBoard's own switch: a module of
the name `tensorboard.compat.notf`, which makes it take the part of TensorFlow that it carries itself.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from types import ModuleType

TAG = "loss"


def without_tensorflow() -> None:
    """To be called before anything of TensorBoard is imported."""
    sys.modules["tensorboard.compat.notf"] = ModuleType("tensorboard.compat.notf")


def statements(function: Callable[..., object]) -> int:
    """How many statements are in a function, imports and the heads of loops and blocks among them."""
    return sum(isinstance(node, ast.stmt) for node in ast.walk(ast.parse(inspect.getsource(function)))) - 1
