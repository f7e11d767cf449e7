"""The operators in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from core.worker.experiments.operators import LAYER_NORM_EPSILON, SHAPES, Shape, arrays, row
from core.worker.experiments.timing import median_call_s


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: `shapes` per operator, `budget_s` per measurement. Returns `rows` as of `row`."""
    device = torch.device("cuda:0" if settings["device"] == "gpu" else "cpu")
    rows = []
    for operator, shapes in SHAPES.items():
        say(f"{operator} in PyTorch")
        forward = _OPERATORS[operator]
        for shape in shapes[: settings["shapes"]]:
            given = [one.requires_grad_() for one in _inputs(operator, shape, device)]
            for direction, call in (
                ("forward", lambda: _forward(forward, given)),  # noqa: B023
                ("forward and backward", lambda: _gradients(forward, given)[0]),  # noqa: B023
            ):
                median_s = median_call_s(call, _wait, budget_s=settings["budget_s"])
                rows.append(row(operator, shape, direction, median_s, call().cpu().numpy()))
    return {"rows": rows}


def _inputs(operator: str, shape: Shape, device: Any) -> list[Any]:
    """Channels first for a convolution, as PyTorch keeps them."""
    given = [torch.from_numpy(array).to(device) for array in arrays(operator, shape)]
    if operator != "convolution":
        return given
    images, kernel = given
    return [images.permute(0, 3, 1, 2).contiguous(), kernel.permute(3, 2, 0, 1).contiguous()]


def _wait(result: Any) -> None:
    result.flatten()[0].item()


def _forward(forward: Callable[..., Any], inputs: list[Any]) -> Any:
    with torch.no_grad():
        return forward(*inputs)


def _gradients(forward: Callable[..., Any], inputs: list[Any]) -> Any:
    """Of the sum of squares of the output, with respect to every input."""
    return torch.autograd.grad(forward(*inputs).square().sum(), inputs)


def _softmax(rows: Any) -> Any:
    return functional.softmax(rows, dim=-1)


def _layer_norm(rows: Any, scale: Any, offset: Any) -> Any:
    return functional.layer_norm(rows, rows.shape[-1:], scale, offset, LAYER_NORM_EPSILON)


_OPERATORS: dict[str, Callable[..., Any]] = {
    "convolution": functional.conv2d,
    "matmul": torch.matmul,
    "softmax": _softmax,
    "layer_norm": _layer_norm,
}
