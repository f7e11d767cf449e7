"""The plain loop, with a program that only writes down what is asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pytest

from core.model.run import RunSpec
from core.model.variant import parse_variant
from core.worker.clock import BlockClock
from core.worker.program import epoch_loop, train_loop
from core.workloads.inputs import own_order


class Notes:
    """A stepper and a clock in one; `said` is what happened, in order."""

    def __init__(self, variant: str) -> None:
        self.said: list[str] = []
        self.spec = RunSpec(index=0, role="pair", side="a", workload="mnist_cnn", variant=parse_variant(variant, threads=1), batch_size=2,
                            learning_rate=0.1, seed=1, inputs="", folder="", steps=4)  # fmt: skip

    def batches(self, first_step: int, steps: int) -> Iterator[tuple[Any, Any]]:
        for step in range(first_step, first_step + steps):
            self.said.append(f"fetch {step}")
            yield step, step

    def wait(self, batches: list[tuple[Any, Any]]) -> None:
        self.said.append("wait")

    def step(self, inputs: Any, labels: Any) -> int:
        self.said.append(f"step {inputs}")
        return int(inputs)

    def read(self, loss: Any) -> float:
        self.said.append("read")
        return float(loss)

    def validate(self) -> None:
        self.said.append("validate")

    def begin(self) -> None:
        self.said.append("begin")

    def end(self, steps: int, loss: float | None, input_ns: int | None) -> None:
        self.said.append("end")


def clock(notes: Notes) -> BlockClock:
    return cast("BlockClock", notes)


def test_from_memory_the_batches_of_a_block_are_fetched_beside_the_clock():
    notes = Notes("pytorch")
    train_loop(notes, 0, 2, 2, clock(notes))
    assert notes.said == ["fetch 0", "fetch 1", "wait", "begin", "step 0", "step 1", "read", "end",
                          "fetch 2", "fetch 3", "wait", "begin", "step 2", "step 3", "read", "end"]  # fmt: skip


def test_through_a_loader_fetching_is_inside_the_clock():
    notes = Notes("pytorch:input=loader")
    train_loop(notes, 0, 2, 1, clock(notes))
    assert notes.said == ["begin", "fetch 0", "step 0", "fetch 1", "step 1", "read", "end"]


@pytest.mark.parametrize(("sync", "reads"), [(0, 1), (1, 4 + 1), (2, 2 + 1), (3, 1 + 1)])
def test_sync_reads_the_loss_every_so_many_steps_besides_the_end_of_the_block(sync: int, reads: int):
    notes = Notes(f"tensorflow:sync={sync}")
    train_loop(notes, 0, 4, 1, clock(notes))
    assert notes.said.count("read") == reads


def test_an_epoch_is_one_block_with_its_input_and_validation():
    notes = Notes("pytorch:validation=on")
    epoch_loop(notes, 4, 2, 2, clock(notes))
    once = ["begin", "fetch 4", "step 4", "fetch 5", "step 5", "validate", "read", "end"]
    assert notes.said == [*once, *(text.replace("4", "6").replace("5", "7") for text in once)]


def test_with_validation_the_last_tenth_is_never_trained_on_and_the_order_is_otherwise_kept():
    order = np.random.default_rng(0).permutation(100)[:96].reshape(12, 8)
    mine = own_order(order, 100, validation=True)
    assert mine.shape == order.shape
    assert mine.max() < 90
    kept = [index for index in order.ravel().tolist() if index < 90]
    assert mine.ravel().tolist()[: len(kept)] == kept
    assert own_order(order, 100, validation=False) is order
