"""Which function tests which claim; each is imported when it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from core.claims.experiment import Experiment


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One experiment of this package."""

    module: str
    function: str
    compares: bool = False
    """Made of comparisons, each of which waits for the machine by itself; any other holds the machine while it runs."""
    shares: str = ""
    """A claim whose comparison this one takes up, so that after it this one takes no time."""


EXPERIMENTS: dict[str, Entry] = {
    "setup-one-env": Entry(module="installing", function="one_environment"),
    "setup-cudnn": Entry(module="installing", function="cudnn"),
    "setup-driver": Entry(module="setup", function="driver"),
    "setup-verify": Entry(module="setup", function="verify"),
    "setup-p3": Entry(module="setup", function="p3"),
    "code-shape": Entry(module="code_shape", function="code_shape"),
    "code-same": Entry(module="code_same", function="code_same", compares=True),
    "mnist-time": Entry(module="article_times", function="mnist_time", compares=True),
    "mnist-accuracy": Entry(module="article_times", function="mnist_accuracy", compares=True, shares="mnist-time"),
    "time-method": Entry(module="stopwatches", function="stopwatches"),
    "resnet-step": Entry(module="resnet", function="resnet_step", compares=True),
    "widens": Entry(module="widening", function="widens", compares=True),
    "memory": Entry(module="resnet", function="memory", compares=True, shares="resnet-step"),
    "checkpointing": Entry(module="checkpointing", function="checkpointing", compares=True),
    "sync-cpu": Entry(module="synchronising", function="sync_cpu", compares=True),
    "seeds": Entry(module="seeds", function="seeds"),
    "fit-hides": Entry(module="gradients", function="fit_hides"),
    "export": Entry(module="exports", function="export"),
    "amp": Entry(module="precision", function="amp", compares=True),
    "amp-api": Entry(module="mixed_api", function="amp_api"),
    "loader": Entry(module="loading", function="loader", compares=True),
    "tflite": Entry(module="exports", function="tflite"),
    "torch-mobile": Entry(module="exports", function="torch_mobile"),
    "tensorrt": Entry(module="inference", function="inference_latency"),
    "custom-ops": Entry(module="operators", function="custom_ops"),
    "static": Entry(module="compiling", function="static"),
    "dynamic": Entry(module="varying_lengths", function="dynamic"),
    "tracking": Entry(module="tracking", function="tracking"),
}


def find_experiment(id: str) -> Experiment:
    """The function of a claim that has one."""
    entry = EXPERIMENTS[id]
    experiment: Experiment = getattr(import_module(f"{__name__}.{entry.module}"), entry.function)
    return experiment
