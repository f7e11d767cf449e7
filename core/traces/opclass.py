"""What an operation does, in words that are the same for both frameworks and for a device's kernels.

A name is brought to one form (namespace, wrappers and oneDNN prefixes off, lower case) and the first rule that finds its
pattern in it names the class. The order of the rules is part of them: `aten::max_pool2d_with_indices_backward` is pooling
before it is an index, `aten::cudnn_convolution_backward_weight` a gradient before it is a convolution.

- *convolution backward* is one operator that computes both gradients, as PyTorch's on a CPU does.
- *data layout* moves, casts, reshapes, allocates or hands on data without arithmetic.
- A fused kernel or instruction (`triton_poi_fused__unsafe_view_mul_0`) is named after its arithmetic before its layout.
- *optimizer* is decided by the phase first: everything inside the optimizer's step is the optimizer's, on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache


def _rule(found: str, *parts: str, words: str = "") -> tuple[str, re.Pattern[str]]:
    """A class and its pattern: any of the parts anywhere, or any of the words alone between underscores or ends."""
    alone = rf"(?:^|_)(?:{'|'.join(words.split())})(?=_|\d|$|\.|v2|v3|backward)" if words else ""
    return found, re.compile("|".join(filter(None, (*parts, alone))))


_RULES = (
    _rule(
        "communication",
        r"nccl|rccl|gloo|c10d|all_?reduce|all_?gather|reduce_?scatter|all_?to_?all|collective|param_comms",
        r"^_?(?:host)?(?:send|recv)$",
    ),
    _rule("copy host-device", r"memcpy ?h(?:to|2)d"),
    _rule("copy device-host", r"memcpy ?d(?:to|2)h"),
    _rule("copy device-device", r"memcpy ?[dp](?:to|2)[dp]|rocclr_copybuffer"),
    _rule("memset", r"memset|^(?:new_)?(?:zeros?|ones|full)(?:_like|like)?_?$|^_?fill_?$|zero_$|fillfunctor|rocclr_fillbuffer"),
    _rule("graph launch", r"graph_?launch"),
    _rule("optimizer", r"^(?:fused_)?(?:adam|adamw|sgd|adagrad|lamb)(?:_|$)|resource(?:sparse)?apply|fusedadam|fusedsgd|optimizer"),
    _rule("attention", r"attention|attn|flash|fmha"),
    _rule("embedding and gather", r"embedding|_embs|splitlookup|permute_indices|bounds_check_indices"),
    _rule(
        "random",
        r"random|bernoulli|truncatednormal|multinomial|philox|rng_?bit|distribution_|dropout",
        words="rand randn randint randperm uniform normal rng",
    ),
    _rule("convolution backward weights", r"conv.*(?:backward_weights?|bwd_?w|wrw)|wgrad|wrw_|backprop_?filter"),
    # Not the end of `biasaddgrad`.
    _rule("convolution backward data", r"conv.*(?:backward_(?:data|input)|bwd_?d)|(?<!ad)dgrad|backprop_?input|col2im"),
    # `convert` is a cast; `im2col`, Winograd's and Fourier's transforms are ways to compute a convolution.
    _rule("convolution backward", r"conv(?!er).*backward"),
    _rule("convolution forward", r"conv(?!er)|im(?:2|3d2)col|winograd|fprop|igemm_fwd|compute\w*offsetskernel|scudnn|fft2d"),
    _rule("normalisation", r"(?:batch|layer|group|instance|rms)_?norm|fusedbatchnorm|bn_(?:fw|bw)|gammabeta|(?:^|_)lrn"),
    _rule("pooling", r"pool|reduce-?_?window|select-and-scatter"),
    _rule("embedding and gather", r"gather|scatter|indexfunc|index_elementwise", words="index index_select index_put take one_?hot indexing"),
    _rule(
        "matrix multiply",
        r"matmul|gemm|gemv|addmm|bmm|addmv|addbmm|einsum|cijk_|cutlass|nvjet|inner_product|^globalkernel|splitk",
        r"(?<!bi)(?<!tri)linear(?!izer)",
        words="mm mv dot ger addr",
    ),
    _rule("elementwise", r"clamp|^maximum|^minimum|nan_to_num"),
    _rule(
        "reduction and loss",
        r"loss|nllcriterion|softmax|entropy|logsumexp|biasaddgrad|reduce|radixsort|devicescan|scaninit|searchsorted",
        words="sum mean prod max min std var var_mean all any norm amax amin argmax argmin aminmax cumsum cumprod sort topk "
        "bincount unique nonzero l2normalize segment",
    ),
    _rule("input pipeline", r"^\w*(?:iterator|dataset)\w*$|^optional(?:has|get|from)|pin_memory|dataloader"),
    _rule(
        "data layout",
        r"transpose|permute|to_?copy|contiguous|reshape|as_?strided|squeeze|expand|flatten|concat|nchw|nhwc|reorder|readvariable",
        r"varhandle|convert|quantiz|fp8|splitwithsizes|to_dense|resolve_|bitcast|local_scalar_dense|lift_fresh|detach|resize",
        r"broadcast|placeholder|eagerconst|copy|^to$",
        words="t view clone cat stack split slice select stridedslice strided_slice pad empty empty_like empty_strided "
        "empty_memory_format identity identityn shape shapen size rank tile pack unpack unbind chunk narrow roll flip alias item "
        "iota range arange linspace cast arg retval const constant broadcastgradientargs view_as unsafe_view reverse repeat set "
        "is_nonzero numpy_t result_type getitem",
    ),
    _rule(
        "elementwise",
        r"relu|gelu|silu|swish|sigmoid|tanh|softplus|(?<!r)elu_?$|add|sub|mul|div|pow|sqrt|exp(?!and)|log|neg|abs|square|maximum",
        r"minimum|clamp|where|lerp|threshold|elementwise|pointwise|bias|sign|floor|round|reciprocal|erf|bitwise|logical|isfinite",
        r"isnan|select|compare|assign|accumulategrad|equal|greater|less|sin$|cos$|foreach|multi_tensor|scalepackedtensor",
        words="eq ne gt lt ge le ceil clip not and or xor masked_fill mean_grad inv",
    ),
    _rule("elementwise", r"triton_poi|fusion"),
)
_LAYOUT = next(rule for rule in _RULES if rule[0] == "data layout")
#: Arithmetic before layout, and the rule that knows only that it is a fusion after both.
_RULES_FUSED = (*(rule for rule in _RULES[:-1] if rule is not _LAYOUT), _LAYOUT, _RULES[-1])

_ANONYMOUS = re.compile(r"\(anonymous namespace\)::|^void ")
#: `c10d::broadcast_` is communication, `aten::broadcast_to` is not.
_NAMESPACE = re.compile(r"\b(?!c10d)\w+::")
_WRAPPERS = re.compile(r"^autograd::engine::evaluate_function: ")
_PREFIXES = re.compile(r"^_+|^(?:mkl(?:dnn)?|native|onednn)_?(?=native|mkl|[a-z_]*(?:conv|matmul|pool|fused|linear|relu|batch))")
_FUSED = re.compile(r"^triton_|fusion")


def _core_of(name: str) -> str:
    """The part of a name that says what is done: no wrapper, namespace, parameter list or oneDNN prefix; lower case."""
    short = _WRAPPERS.sub("", name)
    short = _NAMESPACE.sub("", _ANONYMOUS.sub("", short))
    depth = 0
    for place, sign in enumerate(short):
        if sign == "<":
            depth += 1
        elif sign == ">":
            depth -= 1
        elif sign == "(" and depth <= 0:
            short = short[:place]
            break
    short = short.lower()
    while (stripped := _PREFIXES.sub("", short)) != short:
        short = stripped
    return short


@cache
def op_class(name: str) -> str:
    """Class of one operation or kernel by its name alone; `other` where no rule knows it."""
    short = _core_of(name)
    for found, pattern in _RULES_FUSED if _FUSED.search(short) else _RULES:
        if pattern.search(short):
            return found
    return "other"


def op_classes(names: Iterable[str]) -> dict[str, str]:
    """Name -> class, for a column's distinct names."""
    return {name: op_class(name) for name in names}


def in_phase(found: str, phase: str | None) -> str:
    """The class of an operator whose phase is known."""
    return "optimizer" if phase == "optimizer" and found != "communication" else found


def refined_by_kernel(of_operator: str, of_kernel: str) -> str:
    """Class of a kernel from that of the operator which launched it, else from the kernel's own name.

    One backward operator launches the kernels of both gradients; only their names tell which is which.
    """
    if of_operator == "convolution backward" and of_kernel.startswith("convolution backward"):
        return of_kernel
    return of_kernel if of_operator == "other" else of_operator
