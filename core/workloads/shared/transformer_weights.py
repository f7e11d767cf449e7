"""Weight-map rows of what transformers are built from; names as the shared code of both frameworks gives them."""

from __future__ import annotations

from core.workloads.layouts import DenseKernel, HeadsKernel, HeadsOutput, Same, Tensor


def dense(keras: str, torch: str, inputs: int, outputs: int) -> tuple[Tensor, ...]:
    return (
        Tensor(f"{keras}/kernel", f"{torch}.weight", (inputs, outputs), DenseKernel()),
        Tensor(f"{keras}/bias", f"{torch}.bias", (outputs,), Same()),
    )


def layer_norm(keras: str, torch: str, width: int) -> tuple[Tensor, ...]:
    return (
        Tensor(f"{keras}/gamma", f"{torch}.weight", (width,), Same()),
        Tensor(f"{keras}/beta", f"{torch}.bias", (width,), Same()),
    )


def embedding(name: str, rows: int, width: int) -> Tensor:
    """Of tokens or of positions."""
    return Tensor(f"{name}/embeddings", f"{name}.weight", (rows, width), Same())


def self_attention(keras: str, torch: str, width: int, heads: int) -> tuple[Tensor, ...]:
    """Query, key and value are three kernels in Keras and one packed product in PyTorch."""
    parts = ("query", "key", "value")
    features = width // heads
    return (
        *(Tensor(f"{keras}/{name}/kernel", f"{torch}.projection.weight", (width, heads, features), HeadsKernel(heads), part=part, parts=3)
          for part, name in enumerate(parts)),
        Tensor(f"{keras}/attention_output/kernel", f"{torch}.output.weight", (heads, features, width), HeadsOutput(heads)),
    )  # fmt: skip


def pre_norm_block(index: int, width: int, heads: int) -> tuple[Tensor, ...]:
    keras, torch = f"layers_{index}", f"layers.{index}"
    return (
        *layer_norm(f"{keras}_norm1", f"{torch}.norm1", width),
        *self_attention(f"{keras}_attention", f"{torch}.attention", width, heads),
        *layer_norm(f"{keras}_norm2", f"{torch}.norm2", width),
        *dense(f"{keras}_expand", f"{torch}.expand", width, 4 * width),
        *dense(f"{keras}_reduce", f"{torch}.reduce", 4 * width, width),
    )
