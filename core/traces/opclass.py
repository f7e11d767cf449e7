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

#: Words that mean something only when they stand alone between underscores or at the ends of a name.
_WORD = r"(?:^|_)(?:{})(?=_|\d|$|\.|v2|v3|backward)"

_RULES: tuple[tuple[str, str], ...] = (
    ("communication", r"nccl|rccl|gloo|c10d|all_?reduce|all_?gather|reduce_?scatter|all_?to_?all|collective|param_comms|^_?(send|recv|hostsend|hostrecv)$"),
    ("copy host-device", r"memcpy ?h(to|2)d"),
    ("copy device-host", r"memcpy ?d(to|2)h"),
    ("copy device-device", r"memcpy ?[dp](to|2)[dp]|rocclr_copybuffer"),
    ("memset", r"memset|^(new_)?(zeros?|ones|full)(_like|like)?_?$|^_?fill_?$|zero_$|fillfunctor|rocclr_fillbuffer"),
    ("graph launch", r"graph_?launch"),
    ("optimizer", r"^(fused_)?(adam|adamw|sgd|adagrad|lamb)(_|$)|resource(sparse)?apply|fusedadam|fusedsgd|optimizer"),
    ("attention", r"attention|attn|flash|fmha"),
    ("embedding and gather", r"embedding|_embs|splitlookup|permute_indices|bounds_check_indices"),
    ("random", r"random|bernoulli|truncatednormal|multinomial|philox|rng_?bit|distribution_|dropout|" + _WORD.format("rand|randn|randint|randperm|uniform|normal|rng")),
    # `convert` is a cast; `im2col` and Winograd transforms are how a convolution is computed.
    ("convolution backward weights", r"conv.*(backprop_?filter|backward_weights?|bwd_?w|wgrad|wrw)|wgrad|wrw_|backpropfilter"),
    ("convolution backward data", r"conv.*(backprop_?input|backward_(data|input)|bwd_?d|dgrad)|(?<!ad)dgrad|backpropinput|col2im"),
    ("convolution backward", r"conv(?!er).*backward"),
    ("convolution forward", r"conv(?!er)|im(2|3d2)col|winograd|fprop|igemm_fwd|compute\w*offsetskernel|scudnn|fft2d"),
    ("normalisation", r"(batch|layer|group|instance|rms)_?norm|fusedbatchnorm|bn_(fw|bw)|gammabeta|(^|_)lrn"),
    ("pooling", r"pool|reduce-?_?window|select-and-scatter"),
    ("embedding and gather", r"gather|scatter|indexfunc|index_elementwise|" + _WORD.format("index|index_select|index_put|take|one_?hot|indexing")),
    ("matrix multiply", r"matmul|gemm|gemv|addmm|bmm|addmv|addbmm|einsum|cijk_|cutlass|nvjet|inner_product|^globalkernel|(?<!bi)(?<!tri)linear(?!izer)|splitk" + "|" + _WORD.format("mm|mv|dot|ger|addr")),
    ("reduction and loss", r"loss|nllcriterion|softmax|entropy|logsumexp|biasaddgrad|reduce|radixsort|devicescan|scaninit|searchsorted|" + _WORD.format(
        "sum|mean|prod|max|min|std|var|var_mean|all|any|norm|amax|amin|argmax|argmin|aminmax|cumsum|cumprod|sort|topk|bincount|unique|nonzero|l2normalize|segment")),
    ("input pipeline", r"iterator|dataset|^optional(has|get|from)|pin_memory|dataloader"),
    ("data layout", r"transpose|permute|to_?copy|contiguous|reshape|as_?strided|squeeze|expand|flatten|concat|nchw|nhwc|reorder|"
        r"readvariable|varhandle|convert|quantiz|fp8|splitwithsizes|to_dense|resolve_|bitcast|local_scalar_dense|lift_fresh|detach|resize|broadcast|placeholder|eagerconst|"
        r"copy|^to$|" + _WORD.format(
        "t|view|clone|cat|stack|split|slice|select|stridedslice|strided_slice|pad|empty|empty_like|empty_strided|empty_memory_format|"
        "identity|identityn|shape|shapen|size|rank|tile|pack|unpack|unbind|chunk|narrow|roll|flip|alias|item|iota|range|arange|linspace|"
        "cast|arg|retval|const|constant|broadcastgradientargs|view_as|unsafe_view|reverse|repeat|set|is_nonzero|numpy_t|result_type|getitem")),
    ("elementwise", r"relu|gelu|silu|swish|sigmoid|tanh|softplus|(?<!r)elu_?$|add|sub|mul|div|pow|sqrt|exp(?!and)|log|neg|abs|square|maximum|minimum|"
        r"clamp|where|lerp|threshold|elementwise|pointwise|bias|sign|floor|round|reciprocal|erf|bitwise|logical|isfinite|isnan|select|compare|"
        r"assign|accumulategrad|equal|greater|less|prelu|sin$|cos$|foreach|multi_tensor|nan_to_num|scalepackedtensor|" + _WORD.format(
        "eq|ne|gt|lt|ge|le|ceil|clip|not|and|or|xor|masked_fill|mean_grad|inv")),
    ("elementwise", r"triton_poi|fusion"),
)  # fmt: skip
_COMPILED = tuple((found, re.compile(pattern)) for found, pattern in _RULES)
_LAYOUT = next(rule for rule in _COMPILED if rule[0] == "data layout")
#: Arithmetic before layout, and the rule that knows only that it is a fusion after both.
_COMPILED_FUSED = (*(rule for rule in _COMPILED[:-1] if rule is not _LAYOUT), _LAYOUT, _COMPILED[-1])

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
    for found, pattern in _COMPILED_FUSED if _FUSED.search(short) else _COMPILED:
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
