"""What an operation does, in words that are the same for both frameworks and for a device's kernels.

A name is taken apart into words (`core.traces.opclass_words`). The name proper, before template arguments and parameters, decides
where it can; a carrier such as `vectorized_elementwise_kernel` or `cutlass::Kernel` is what its template arguments say.

- *convolution backward* is one operator that computes both gradients, as PyTorch's on a CPU does, or one that does not say which.
- *matrix multiply* is dense and sparse linear algebra, solvers and factorisations among it, and recurrent cells.
- *reduction and loss* also sorts, scans, counts and selects; *pooling* also resamples.
- *data layout* moves, casts, quantises, reshapes, allocates or hands on data without arithmetic.
- A fused kernel or instruction (`triton_poi_fused__unsafe_view_mul_0`) is named after its arithmetic before its layout. One that
  Inductor generated lists where its parts came from: a pointwise one adds the bias of a convolution and does not compute it.
- *optimizer* is decided by the phase first: everything inside the optimizer's step is the optimizer's, on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from string import ascii_letters

from core.traces.opclass_words import NOISE, RULES, WHOLE

#: Longer names are judged by their beginning: what is done stands there, and a hostile name costs no more than a long one.
_LONGEST = 500
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_NOISE = re.compile(NOISE)
_BRACKET = re.compile("[<(]")
#: Namespaces, and `autograd::engine::evaluate_function: `.
_QUALIFIER = re.compile(r".*(?:::|: )")
_COMMUNICATORS = ("c10d::", "_c10d_functional::", "nccl:", "gloo:", "mpi:", "ucc:", "deep_ep::", "symm_mem::")
_INDUCTOR = re.compile(r"triton_(poi|per|red|tem|spl|for)_fused|(?:graph_\d+_)?cpp_(fused)")

_GRADIENTS = ("convolution backward", "convolution backward data", "convolution backward weights")
#: What a step is there for, and what a kernel is only when its name says so for certain.
PRODUCTS = ("matrix multiply", "attention", "convolution forward", *_GRADIENTS)
_MOVES = ("data layout", "memset", "copy host-device", "copy device-host", "copy device-device")
#: Of an operator: stands around other work, or for a fusion of anything.
_SAYS_LITTLE = ("other", "elementwise", "communication", "input pipeline", "graph launch")

_WHOLE = {word: found for found, words in WHOLE.items() for word in words.split()}


def _ranks(rules: Iterable[tuple[str, str]]) -> dict[str, tuple[int, str]]:
    """Word -> place of the first rule that has it, and the rule's class."""
    ranks: dict[str, tuple[int, str]] = {}
    for place, (found, words) in enumerate(rules):
        for word in words.split():
            ranks.setdefault(word, (place, found))
    return ranks


def _arithmetic_first(rules: Collection[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The rules with layout last of what says anything, and what it says `select` is."""
    layout = [rule for rule in rules if rule[0] == "data layout"]
    others = [rule for rule in rules if rule[0] != "data layout"]
    return (*others[:-1], *layout, others[-1])


_PLAIN = _ranks(RULES)
_FUSED = _ranks(_arithmetic_first(RULES))


def _generated(otherwise: str, *possible: str) -> tuple[str, dict[str, tuple[int, str]]]:
    return otherwise, {word: rank for word, rank in _FUSED.items() if rank[1] in possible}


_POINTWISE = ("normalisation", "pooling", "embedding and gather", "random", "elementwise", "data layout")
#: What a kernel of each kind that Inductor generates is when its name does not say, and the words that may say.
_GENERATED = {
    "poi": _generated("elementwise", *_POINTWISE),
    "for": _generated("elementwise", "elementwise", "data layout"),
    "per": _generated("reduction and loss", "normalisation", "pooling"),
    "red": _generated("reduction and loss", "normalisation", "pooling"),
    "spl": _generated("reduction and loss"),
    "tem": _generated("matrix multiply", *PRODUCTS),
    "fused": _generated("elementwise", "reduction and loss", *_POINTWISE),
}


@lru_cache(maxsize=1 << 16)
def op_class(name: str) -> str:
    """Class of one operation or kernel by its name alone; `other` where no rule knows it."""
    if name.startswith(_COMMUNICATORS):
        return "communication"
    text = _NOISE.sub("", name[: 2 * _LONGEST])
    if len(text) > _LONGEST:
        # Half a word is another word: `lambda` would be an optimizer's.
        text = text[:_LONGEST].rstrip(ascii_letters)
    generated = _INDUCTOR.match(text)
    if generated is not None:
        otherwise, ranks = _GENERATED[generated[1] or generated[2]]
        words = _words(text[generated.end() :])
        return _directed(_best(words, ranks)[1], words) or otherwise
    head, arguments = _parted(text)
    words = _words(head)
    whole = _WHOLE.get("".join(_words(_QUALIFIER.sub("", head))))
    if whole is not None:
        return whole
    ranks = _FUSED if "fusion" in words else _PLAIN
    place, found = _best(words, ranks)
    if arguments and (found == "" or found == "matrix multiply" or place == len(RULES) - 1):
        inner = _words(arguments)
        words, (place, found) = words + inner, min((place, found), _best(inner, ranks, barred="input pipeline"))
    return _directed(found, words) or "other"


def _parted(text: str) -> tuple[str, str]:
    """The name proper, and its template arguments and parameters. What is in parentheses at the end of a sentence stays in it."""
    bracket = _BRACKET.search(text)
    if bracket is None:
        return text, ""
    place = bracket.start()
    head = text[:place]
    if bracket[0] == "(" and "::" not in head and not text.endswith(")"):
        return text, ""
    return head, text[place:]


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _best(words: list[str], ranks: Mapping[str, tuple[int, str]], barred: str | None = None) -> tuple[int, str]:
    """The first rule that has one of the words, or of their neighbours up to three: its place and class, (length, "") for none."""
    pairs = [first + second if len(first) > 1 else "" for first, second in pairwise(words)]
    triples = [pair and pair + third for pair, third in zip(pairs, words[2:], strict=False)]
    known = ranks.keys() & {*words, *pairs, *triples}
    return min((ranks[word] for word in known if ranks[word][1] != barred), default=(len(RULES), ""))


def _directed(found: str, words: Collection[str]) -> str:
    """Which way a convolution goes whose name says so in words apart: `conv_depthwise2d_backward_weight`."""
    said = set(words)
    if found != "convolution forward" or not said & {"backward", "bwd", "backprop", "grad"}:
        return found
    if said & {"weight", "weights", "filter"}:
        return "convolution backward weights"
    return "convolution backward data" if said & {"data", "input", "naive"} else "convolution backward"


def in_phase(found: str, phase: str | None) -> str:
    """The class of an operator whose phase is known."""
    return "optimizer" if phase == "optimizer" and found != "communication" else found


def refined_by_kernel(of_operator: str, of_kernel: str) -> str:
    """Class of a kernel from that of the operator which launched it and that of its own name.

    The operator knows what the work is for, so `aten::linear` makes a matrix multiply of a kernel with any name for it. The
    kernel's own name is better where it does other work than the operator's:

    - it communicates, or the operator says little (`other`, a fusion, a collective around its copies, the input pipeline);
    - the operator is a product (convolution, matrix multiply, attention) and the kernel is none: the transpose between NCHW and
      NHWC, the bias, the sum of the bias's gradient are what they are; one that is any product, such as the matrix multiply
      inside a convolution, is the operator's;
    - the operator is no product and the kernel is one, as in fused layers, or it only moves or sets data;
    - one operator computes both gradients of a convolution: only the kernels' names tell which is which.
    """
    if of_kernel == "other":
        return of_operator
    if of_kernel == "communication" or of_operator in _SAYS_LITTLE:
        return of_kernel
    if of_operator == "optimizer":
        return of_operator
    if of_operator in PRODUCTS:
        told = of_kernel not in PRODUCTS or (of_operator == "convolution backward" and of_kernel in _GRADIENTS)
        return of_kernel if told else of_operator
    return of_kernel if of_kernel in (*PRODUCTS, *_MOVES) else of_operator
