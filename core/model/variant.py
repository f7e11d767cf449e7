"""A variant: one framework and how it is run."""

from __future__ import annotations

from dataclasses import Field, dataclass, fields, replace

from core.model.errors import ShowdownError

FRAMEWORKS = ("tensorflow", "pytorch")
FRAMEWORK_LABELS = {"tensorflow": "TensorFlow", "pytorch": "PyTorch"}
#: First in each row is the framework's usual way to train, and the default.
EXECUTIONS = {
    "tensorflow": ("graph", "eager", "xla", "fit", "train_step"),
    "pytorch": ("eager", "compile", "compile_reduce_overhead", "compile_max_autotune", "cuda_graph"),
}
EXECUTION_LABELS = {
    ("tensorflow", "graph"): "graph (tf.function)",
    ("tensorflow", "eager"): "eager",
    ("tensorflow", "xla"): "XLA (jit_compile)",
    ("tensorflow", "fit"): "Keras fit",
    ("tensorflow", "train_step"): "Keras fit, own train_step",
    ("pytorch", "eager"): "eager",
    ("pytorch", "compile"): "torch.compile",
    ("pytorch", "compile_reduce_overhead"): "torch.compile, reduce-overhead",
    ("pytorch", "compile_max_autotune"): "torch.compile, max-autotune",
    ("pytorch", "cuda_graph"): "CUDA graph",
}
#: Executions in which Keras runs the loop, and so also the input, the metrics and the validation.
FIT_EXECUTIONS = ("fit", "train_step")

#: What each of the other keys may be; the first is the default.
CHOICES: dict[str, tuple[str, ...]] = {
    "device": ("cpu", "gpu"),
    "precision": ("fp32", "tf32", "fp16", "bf16"),
    "network": ("spec", "article", "mended", "library"),
    "optimizer": ("matched", "native"),
    "initial": ("ported", "native"),
    "input": ("memory", "loader", "png"),
    "pin": ("off", "on"),
    "layout": ("default", "channels_last"),
    "checkpointing": ("off", "on"),
    "deterministic": ("off", "on"),
    "malloc": ("default", "keep"),
    "metrics": ("off", "on"),
    "validation": ("off", "on"),
}
DEVICES, PRECISIONS, NETWORKS, OPTIMIZERS, INPUTS = (CHOICES[name] for name in ("device", "precision", "network", "optimizer", "input"))
#: Whole numbers: lowest and highest.
RANGES = {"threads": (1, 1024), "workers": (0, 64), "prefetch": (0, 64), "sync": (0, 1_000_000)}
_NUMBER_WORDS = {
    "threads": "the number of CPU threads",
    "workers": "the number of input workers",
    "prefetch": "the number of batches fetched ahead",
    "sync": "after how many steps the loss is read",
}
#: How a choice that is not the default is called in a label.
_WORDS = {
    ("network", "article"): "network as the article printed it",
    ("network", "mended"): "the article's network, mended",
    ("network", "library"): "the library's own model",
    ("optimizer", "native"): "native optimizer",
    ("initial", "native"): "native initial weights",
    ("input", "loader"): "input through a loader",
    ("input", "png"): "PNG decoded in the loader",
    ("pin", "on"): "pinned",
    ("layout", "channels_last"): "channels last",
    ("checkpointing", "on"): "gradient checkpointing",
    ("deterministic", "on"): "deterministic",
    ("malloc", "keep"): "freed memory kept",
    ("metrics", "on"): "accuracy at each step",
    ("validation", "on"): "validation split",
}


class VariantError(ShowdownError, ValueError):
    """A variant that cannot be meant; a ValueError too, so that reading one from a file reports it as a wrong value."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One framework plus how it is run; two of them make a comparison."""

    framework: str
    """`tensorflow` or `pytorch`."""
    execution: str
    """One of `EXECUTIONS[framework]`."""
    device: str = "cpu"
    """`cpu` or `gpu` (the first one the framework sees)."""
    threads: int = 1
    """CPU threads the framework may use inside an operator, set before its first operation."""
    precision: str = "fp32"
    """`fp32`; `tf32`: matrix products and convolutions of an Ampere GPU or later; `fp16` (with loss scaling) and `bf16`: mixed precision."""
    network: str = "spec"
    """`spec`: the workload's network. `article`: as the article printed it; `mended`: the same with the size that arrives; both of
    `mnist_cnn` only. `library`: the model that the framework's library ships under this name, which is not identical."""
    optimizer: str = "matched"
    """`matched`: the same update rule on both sides. `native`: the framework's own form and constants."""
    initial: str = "ported"
    """`ported`: both sides start from one set of weights. `native`: the framework draws its own."""
    input: str = "memory"
    """`memory`: batches are taken from a tensor on the device, beside the clock. `loader`: each sample goes through `tf.data` or a
    `DataLoader`, inside the clock. `png`: the same, decoded from PNG."""
    workers: int = 0
    """Of the loader: processes of a DataLoader, parallel calls of `tf.data`; 0: none."""
    prefetch: int = 2
    """Batches that the loader prepares ahead (per worker in PyTorch, and only with workers); 0: none."""
    pin: str = "off"
    """Pinned host memory for copies to the GPU; PyTorch only."""
    sync: int = 0
    """Read the loss, and so wait for the device, every so many steps; 0: at the end of a block only."""
    layout: str = "default"
    """`channels_last` for PyTorch's convolutions; Keras has it always."""
    checkpointing: str = "off"
    """Gradient checkpointing: activations of a block are computed again in the backward pass instead of being kept."""
    deterministic: str = "off"
    """Bitwise reproducible operators, as far as the framework has them."""
    malloc: str = "default"
    """`keep`: the C library's allocator (glibc) gives no freed memory back to the system, so that none has to be asked for anew."""
    metrics: str = "off"
    """Accuracy of each training batch, as Keras `fit` computes it when asked for."""
    validation: str = "off"
    """The last tenth of the training samples is left out and evaluated after each epoch."""
    python: str = ""
    """Interpreter of the worker; empty: the framework's configured one."""

    def __post_init__(self) -> None:
        _one_of("framework", self.framework, FRAMEWORKS)
        _one_of(f"execution of {self.framework}", self.execution, EXECUTIONS[self.framework])
        for name, allowed in CHOICES.items():
            _one_of(name, getattr(self, name), allowed)
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise VariantError(f"{name}={value} is not a whole number from {low} to {high:,}; give {_NUMBER_WORDS[name]}.")
        for refused, why in self._contradictions():
            if refused:
                raise VariantError(f"{FRAMEWORK_LABELS[self.framework]} cannot be run so: {why}.")

    def _contradictions(self) -> tuple[tuple[bool, str], ...]:
        tensorflow, fit = self.framework == "tensorflow", self.execution in FIT_EXECUTIONS
        return (
            (self.execution == "cuda_graph" and self.device != "gpu", "a CUDA graph needs device=gpu"),
            (self.precision == "tf32" and self.device != "gpu", "precision=tf32 is a mode of NVIDIA GPUs; take fp32, or device=gpu"),
            (self.layout != "default" and tensorflow, "layout is a setting of PyTorch; Keras has channels last always"),
            (self.pin == "on" and tensorflow, "pin is a setting of PyTorch's DataLoader"),
            (self.pin == "on" and self.device != "gpu", "pinned memory serves copies to a GPU; give device=gpu"),
            (self.pin == "on" and self.input == "memory", "pin belongs to input=loader or input=png"),
            (self.workers > 0 and self.input == "memory", "workers belong to input=loader or input=png"),
            (fit and self.sync > 0, "Keras fit decides itself when it reads the loss; leave sync out or take execution=graph"),
            (fit and self.checkpointing == "on", "Keras fit keeps all activations on the TensorFlow backend; take execution=graph"),
            (self.execution == "train_step" and self.metrics == "on", "an own train_step computes no metrics; take execution=fit"),
            (self.execution == "cuda_graph" and self.precision == "fp16", "loss scaling decides on the host, which a CUDA graph cannot; take bf16"),
            (self.execution == "cuda_graph" and self.checkpointing == "on", "a CUDA graph cannot hold gradient checkpointing"),
        )

    @property
    def label(self) -> str:
        """What a person reads: framework and execution, and only what is unusual about the rest."""
        parts = [FRAMEWORK_LABELS[self.framework], EXECUTION_LABELS[self.framework, self.execution]]
        if self.device == "gpu":
            parts.append("GPU")
        if self.precision != "fp32":
            parts.append(self.precision)
        parts += [words for (name, value), words in _WORDS.items() if getattr(self, name) == value]
        if self.input != "memory":
            parts.append(f"{self.workers} {'worker' if self.workers == 1 else 'workers'}")
            if self.prefetch != 2:
                parts.append(f"prefetch {self.prefetch}")
        if self.sync:
            parts.append("loss read each step" if self.sync == 1 else f"loss read every {self.sync} steps")
        return f"{parts[0]} {', '.join(parts[1:])}"

    @property
    def text(self) -> str:
        """The form that `parse_variant` reads back: what must be said, and what is not the default."""
        said = ("execution", "device", "threads")
        shown = [f.name for f in fields(self) if f.name != "framework" and (f.name in said or getattr(self, f.name) != f.default)]
        return f"{self.framework}:" + ",".join(f"{name}={getattr(self, name)}" for name in shown)


def settings() -> tuple[Field[object], ...]:
    """Every key of a variant except the framework, in order."""
    return tuple(f for f in fields(Variant) if f.name != "framework")


def parse_variant(text: str, *, threads: int, device: str = "cpu") -> Variant:
    """Read `FRAMEWORK[:key=value,...]`; `threads` and `device` are this machine's defaults.

    Raises VariantError naming the part that could not be read.
    """
    framework, _, rest = text.strip().partition(":")
    _one_of("framework", framework, FRAMEWORKS)
    known = [f.name for f in settings()]
    given: dict[str, object] = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals or key not in known:
            raise VariantError(f"'{part}' in '{text}' is not one of {', '.join(f'{k}=…' for k in known)}.")
        if key in RANGES:
            if not value.isdecimal():
                raise VariantError(f"{key}={value} in '{text}' is not a whole number; give {_NUMBER_WORDS[key]}.")
            given[key] = int(value)
        else:
            given[key] = value
    # At once: what one key contradicts, another may allow.
    start = {"execution": EXECUTIONS[framework][0], "threads": threads, "device": device}
    return Variant(framework=framework, **{**start, **given})  # type: ignore[arg-type]


def as_proven(variant: Variant) -> Variant:
    """The variant whose function is proven: in float32, from memory, without what changes only when something is computed."""
    return replace(variant, precision="fp32", input="memory", workers=0, pin="off", sync=0, malloc="default", metrics="off",
                   validation="off")  # fmt: skip


def _one_of(what: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise VariantError(f"'{value}' is no {what}; choose {' or '.join(allowed)}.")
