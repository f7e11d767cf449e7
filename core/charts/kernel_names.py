"""Kernel names short enough for an axis: compilers spell out every template argument, and the telling one stands in the middle."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

LONGEST = 44
#: What matters stands at the beginning, and a hostile name costs no more than a long one.
_READ = 2_000
_PREFIX = re.compile(
    r"^(?:void )?(?:\(anonymous namespace\)::|(?:at|native|c10|cuda|detail|cub|tensorflow|functor|Eigen|internal)::)*"
)
#: The operation that a generic kernel of PyTorch was compiled for.
_TELLING = re.compile(
    r"CUDAFunctor(?:OnSelf)?_(\w+)|(\w+?)(?:Functor|_functor|_kernel_cuda|_kernel_impl|_kernel_gpu|_kernel\b|Ops?\b)"
)
_GENERIC = ("Unary", "AUnary", "BUnary", "Binary", "Reduce", "gpu")
#: AMD's generated matrix products: what they multiply, then the tile and the instruction.
_TENSILE = re.compile(r"^(Cijk_A\w{3}_B\w{3}_[A-Z0-9]+)_.*?(MT\d+x\d+x\d+)(?:_(MI\d+x\d+x\d+))?")


def short_name(name: str) -> str:
    """`elementwise_kernel · Mul` of `void at::native::elementwise_kernel<128, 4, … MulFunctor<float> …>(…)`.

    Other templates keep their first arguments, and the rest is cut in the middle.
    """
    bare = _PREFIX.sub("", name[:_READ]) or name[:_READ]
    if tensile := _TENSILE.match(bare):
        return " ".join(part for part in tensile.groups() if part)
    head, bracket, rest = bare.partition("<")
    if bracket and head:
        told = (one or other for one, other in _TELLING.findall(rest))
        telling = next((found for found in told if found not in _GENERIC), None)
        bare = f"{head} · {telling}" if telling else bare
        if telling is None and len(bare) > LONGEST:
            return f"{bare[: LONGEST - 1]}…"
    return bare if len(bare) <= LONGEST else f"{bare[: LONGEST - 17]}…{bare[-16:]}"


def axis_labels(names: Sequence[str]) -> list[str]:
    """A short name for each, told apart by a number where the short ones are the same."""
    short = [short_name(name) for name in names]
    times, seen = Counter(short), Counter[str]()
    labels = []
    for label in short:
        seen[label] += 1
        labels.append(f"{label} ({seen[label]})" if times[label] > 1 else label)
    return labels
