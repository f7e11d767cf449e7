"""Counting floating-point operations: a multiply-add is two, element-wise work is none."""

from __future__ import annotations

from collections.abc import Iterable

from core.workloads.spec import Flops


def dense(inputs: int, outputs: int, rows: int = 1) -> int:
    """A product of `rows` vectors of `inputs` numbers with a matrix."""
    return 2 * rows * inputs * outputs


def convolution(*, kernel: tuple[int, int], inputs: int, outputs: int, height: int, width: int, groups: int = 1) -> int:
    """A convolution to an image of `height` times `width`; for a depthwise one `groups` equals `inputs`."""
    return 2 * kernel[0] * kernel[1] * (inputs // groups) * outputs * height * width


def attention(queries: int, keys: int, width: int) -> int:
    """Scores and weighted sum of all heads together, whose features add up to `width`; the projections are dense layers."""
    return 2 * (2 * queries * keys * width)


def total(first: int, others: Iterable[int], *, first_needs_input_gradient: bool = False) -> Flops:
    """Of a network whose first product costs `first`, and whose input needs no gradient unless said so."""
    rest = sum(others)
    forward = first + rest
    return Flops(forward=forward, training=3 * forward - (0 if first_needs_input_gradient else first))
