"""Written with `torch.utils.tensorboard.SummaryWriter`, and one optimizer step after it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch

from core.worker.experiments.scalars import TAG, statements, without_tensorflow


def run(settings: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """`settings`: `folder` to write to, `values` by step, `without_tensorflow`.

    `statements`: how many it takes; `tensorflow_loaded`: did writing import TensorFlow into this process?
    """
    if settings["without_tensorflow"]:
        without_tensorflow()
    say("writing with SummaryWriter")
    write(settings["folder"], settings["values"])
    loaded = "tensorflow" in sys.modules
    say(f"training a step after it, TensorFlow {'in' if loaded else 'not in'} this process")
    model = torch.nn.Linear(4, 4)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    return {"statements": statements(write), "tensorflow_loaded": loaded}


def write(folder: str, values: list[float]) -> None:
    from torch.utils.tensorboard import SummaryWriter  # only now, because of `without_tensorflow`

    writer = SummaryWriter(folder)
    for step, value in enumerate(values):
        writer.add_scalar(TAG, value, step)
    writer.close()
