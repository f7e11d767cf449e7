"""A variant: one framework and how it is run."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from core.model.errors import ShowdownError

FRAMEWORKS = ("tensorflow", "pytorch")
FRAMEWORK_LABELS = {"tensorflow": "TensorFlow", "pytorch": "PyTorch"}
#: First in each row is the framework's usual way to train, and the default.
EXECUTIONS = {
    "tensorflow": ("graph", "eager", "xla", "fit"),
    "pytorch": ("eager", "compile"),
}
EXECUTION_LABELS = {
    ("tensorflow", "graph"): "graph (tf.function)",
    ("tensorflow", "eager"): "eager",
    ("tensorflow", "xla"): "XLA (jit_compile)",
    ("tensorflow", "fit"): "Keras fit",
    ("pytorch", "eager"): "eager",
    ("pytorch", "compile"): "torch.compile",
}
DEVICES = ("cpu", "gpu")
NETWORKS = ("spec", "article")
OPTIMIZERS = ("matched", "native")


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
    network: str = "spec"
    """`spec`: the workload's network. `article`: the network exactly as the article printed it."""
    optimizer: str = "matched"
    """`matched`: the same update rule on both sides. `native`: the framework's own form and constants."""
    python: str = ""
    """Interpreter of the worker; empty: the framework's configured one."""

    def __post_init__(self) -> None:
        _one_of("framework", self.framework, FRAMEWORKS)
        _one_of(f"execution of {self.framework}", self.execution, EXECUTIONS[self.framework])
        _one_of("device", self.device, DEVICES)
        _one_of("network", self.network, NETWORKS)
        _one_of("optimizer", self.optimizer, OPTIMIZERS)
        if isinstance(self.threads, bool) or not isinstance(self.threads, int) or not 1 <= self.threads <= 1024:
            raise VariantError(f"threads={self.threads} is not a whole number from 1 to 1024; give the number of CPU threads.")

    @property
    def label(self) -> str:
        """What a person reads: framework and execution, and only what is unusual about the rest."""
        parts = [FRAMEWORK_LABELS[self.framework], EXECUTION_LABELS[self.framework, self.execution]]
        if self.device == "gpu":
            parts.append("GPU")
        if self.network == "article":
            parts.append("network as the article printed it")
        if self.optimizer == "native":
            parts.append("native optimizer")
        return f"{parts[0]} {', '.join(parts[1:])}"

    @property
    def text(self) -> str:
        """The form that `parse_variant` reads back."""
        shown = [f.name for f in fields(self) if f.name != "framework" and not (f.name == "python" and not self.python)]
        return f"{self.framework}:" + ",".join(f"{name}={getattr(self, name)}" for name in shown)


def parse_variant(text: str, *, threads: int, device: str = "cpu") -> Variant:
    """Read `FRAMEWORK[:key=value,...]`; `threads` and `device` are this machine's defaults.

    Raises VariantError naming the part that could not be read.
    """
    framework, _, rest = text.strip().partition(":")
    _one_of("framework", framework, FRAMEWORKS)
    variant = Variant(framework=framework, execution=EXECUTIONS[framework][0], threads=threads, device=device)
    known = [f.name for f in fields(Variant) if f.name != "framework"]
    given: dict[str, object] = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals or key not in known:
            raise VariantError(f"'{part}' in '{text}' is not one of {', '.join(f'{k}=…' for k in known)}.")
        if key == "threads":
            if not value.isdecimal():
                raise VariantError(f"threads={value} in '{text}' is not a whole number; give the number of CPU threads.")
            given[key] = int(value)
        else:
            given[key] = value
    return replace(variant, **given)  # type: ignore[arg-type]


def _one_of(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise VariantError(f"'{value}' is no {what}; choose {' or '.join(allowed)}.")
