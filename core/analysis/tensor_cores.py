"""Which kernels multiply matrices on tensor cores (NVIDIA) or matrix cores (AMD), by the family that their names belong to.

Libraries say in a kernel's name which instruction it was built around: `tensorop` against `simt` in CUTLASS, `s16816` or `h884` (an
instruction's shape) against `sgemm` in cuBLAS, `MI16x16x16` in Tensile. What is read is the name alone, never the device's model,
so a new generation's kernels of an old family are known, and a name that does not say is *unknown*, never counted as either.

- Only matrix products (matrix multiply, attention, convolutions) can be unknown; any other kernel uses no tensor cores.
- Helpers of a product (the sum over a split K, the transform of a Winograd tile, matrix times vector) run on ordinary cores.
- A product in single precision uses them with TF32 on NVIDIA; on AMD matrix cores also multiply fp32 and fp64 as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from core.traces.opclass import PRODUCTS, op_class

#: The family of everything that is no matrix product.
NO_PRODUCT = "no matrix product"
#: The family of products whose names fit none of the others.
UNRECOGNISED = "unrecognised product"
#: As in `core.traces.opclass`: what matters stands at the beginning, and a hostile name costs no more than a long one.
_LONGEST = 2_000


@dataclass(frozen=True, kw_only=True)
class Family:
    """What a kernel's name says of how it multiplies."""

    family: str
    tensor_core: bool | None
    """None: the name does not say."""
    precision: str | None = None
    """Of the factors: fp64, fp32, tf32, bf16, fp16, fp8, int8 or fp4; None where the name does not say."""


def _by(pattern: str, otherwise: bool | None = None, *, no: str | None = None) -> Callable[[str], bool | None]:
    """True where a pattern is in the name, False where another is."""
    yes, never = re.compile(pattern), re.compile(no) if no else None
    return lambda name: False if never and never.search(name) else True if yes.search(name) else otherwise


def _always(answer: bool | None) -> Callable[[str], bool | None]:
    return lambda name: answer


#: The letter of what is accumulated, and rows, columns and depth of the instruction.
_INSTRUCTION = r"(?:^|[_<:])[bcdhisz]{0,2}(?:884|1684|1688|16816|16832|16864|161616|8816|8832|88128|168256)(?=[a-z])"

#: In lower case; the first that is found in the name is the family.
_FAMILIES = tuple(
    (family, re.compile(pattern), answer)
    for family, pattern, answer in (
        # Around a product rather than in it.
        (
            "helper of a product",
            r"splitk_?reduce|reducesplitk|globalkernel|reduce_1block|offsets_?kernel|gemm_pointers|winograd_?nonfused"
            r"|generatewinograd|fft\dd_|im\d?d?2d?col|col2im|vol2col|postgsu|betaonly|^cijk_(?!a[a-z]+_b[a-z]+_)|bwd_dot_do_o|convert_dq"
            r"|splitkv_combine|fmhareduction|mla_reduce|merge_?(?:attn_)?states|prepare_varlen|get_mla_metadata|scalepackedtensor",
            _always(False),
        ),
        ("matrix times vector", r"gemv|dot_kernel|gemmk1|mul_mat_vec", _always(False)),
        # Attention.
        (
            "fused attention, one query at a time",
            r"paged_attention_v\d|masked_multihead_attention|batchdecodewithpaged|singledecodewith",
            _by("mfma", False),
        ),
        # The forms for fp32 of before Ampere multiply on ordinary cores.
        ("fused attention, CUTLASS", r"fmha_cutlass", _by("sm", no=r"sm50|f32_aligned_\w+_sm7\d")),
        (
            "fused attention",
            r"flash(?!infer)|fmha|sdpa|attn_(?:fwd|bwd)|bwd_kernel_d[kq]|(?:batch|single)prefillwith|kernel_mha|xqa|unified_attention"
            r"|paged_attention_ll4mi\w*mfma|mla_a\dw\d|qk_int8_sv",
            _always(True),
        ),
        (
            "Composable Kernel",
            r"(?:^|\W|\d)ck(?:_tile)?(?:::|\d+tensor)|_xdl(?:ops)?_",
            _by("xdl|mfma|wmma", no="_dl_|_dpp_"),
        ),
        # Libraries of NVIDIA.
        ("nvjet", r"nvjet", _always(True)),
        ("TensorRT-LLM generated (bmm)", r"^(?:bmm|gemm)_(?:mx|nv)?(?:e\dm\d|bfloat16|fp16|fp8|fp32|e2m1)_", _always(True)),
        ("DeepGEMM", r"deep_gemm", _by("gemm|mqa")),
        ("Marlin, Machete", r"marlin|machete", _always(True)),
        ("CUTLASS tensor op", "tensorop", _always(True)),
        ("CUTLASS SIMT", r"cutlass\w*_simt_|opclasssimt|mmasimt|_simt_sgemm", _always(False)),
        (
            "xmma (cuBLAS, cuDNN, TensorRT)",
            r"xmma",
            _by(r"tensor\d+x\d|warpgroup|[hiq]mma(?:_|$)|tf32|bf16|[^a-z]f16f16|e4m3|e5m2|i8i8", no=r"ffma|dfma|_simt|fp32_simt"),
        ),
        ("mma by instruction (884, 1688, 16816, …)", _INSTRUCTION, _always(True)),
        ("wgmma, wmma, tcgen05", r"gmma|wmma|tcgen05|umma|mainloopsm(?:90|100|120)|block_?scaled|mxgemm", _always(True)),
        # Libraries of AMD.
        ("Tensile (rocBLAS, hipBLASLt)", r"^cijk_", _by(r"_mi\d+x\d+x\d+")),
        ("MIOpen implicit GEMM", r"^igemm_\w+_gtc|implicitgemm\w*xdlops", _by("gtcx|xdlops")),
        (
            "MIOpen direct and Winograd",
            r"sp3asmconv(?!fury|rage)|naive_conv|gcnasmconv|miopen\w*conv|miopencv",
            _by("xdlops", False),
        ),
        ("AITER", r"aiter::|fmoe_|^bf16gemm_|^f[48]gemm_", _always(True)),
        # Triton compiles a dot for whatever it is given: IEEE fp32 stays on ordinary cores of NVIDIA.
        (
            "Triton dot",
            r"triton_(?:tem|mm|bmm|gemm)|fused_moe_kernel|_matmul_ogs|block_fp8_matmul|gemm_fusion|_scaled_mm|matmul_kernel",
            _by(r"fp8|bf16|fp16|f16|mxfp4|int8|w8a8|w4a"),
        ),
        # Ordinary cores.
        (
            "SIMT matrix multiply and convolution",
            r"(?:^|[_ :])(?:gc|[sdczh])gemm(?:_|ex|$|<|batched)|[sh]cudnn|convolve_[sdhc]gemm|[dw]grad_(?:alg\d_)?engine"
            r"|[dw]grad2d_|conv2d_grouped_direct|conv_?depthwise|depthwise_?conv|depthwise_fprop|causal_conv1d",
            _always(False),
        ),
        ("CUTLASS", r"cutlass", _always(None)),
    )
)

_GENERATED = re.compile(r"^(?:bmm|gemm)_[a-z0-9]+_((?:mx|nv)?e\dm\d|bfloat16|fp16)")
_TENSILE = re.compile(r"^cijk_[a-z]+_[a-z]+_(f8|b8|i8|[sdhbc])")
_NVJET = re.compile(r"^nvjet_(?:sm\d+_)?([a-z])")
_LETTERS = {"f8": "fp8", "b8": "fp8", "i8": "int8", "s": "fp32", "d": "fp64", "h": "fp16", "b": "bf16"}
_NVJET_LETTERS = {"h": "fp16", "t": "bf16", "q": "fp8", "r": "fp8", "o": "fp4"}
#: The narrowest type that a name speaks of is the factors': results and sums are as wide or wider.
_PRECISIONS = tuple(
    (precision, re.compile(pattern))
    for precision, pattern in (
        ("fp4", r"e2m1|(?:nv|mx)?fp4|xf4|a4w4"),
        ("fp8", r"e4m3|e5m2|fp8|a8w8_block|_f8f8"),
        ("int8", r"(?:^|_)i(?:8816|16832)|int8|i8i8|_s8_|imma"),
        ("tf32", r"tf32"),
        ("bf16", r"bf16|bfloat16|__hip_bfloat"),
        ("fp16", r"(?<!b)f16|fp16|half|hmma|[_<]h(?:884|1688|16816)|(?:^|_)hgemm"),
        ("fp64", r"fp64|f64|(?:^|[_ ])dgemm|d884|\bdouble\b"),
        # An Ampere instruction of cuBLAS on fp32 rounds its factors to TF32; `s884` alone is Volta's.
        ("tf32", r"_s1688(?:gemm|fprop|dgrad|wgrad)"),
        ("fp32", r"sgemm|scudnn|fp32|f32|\bfloat\b"),
    )
)


def family(name: str, found: str | None = None) -> Family:
    """Family of a kernel by its name.

    `found` is its op class where more is known than the name (`op_class` of the events); only a product can be `UNRECOGNISED`.
    """
    return _family(name[:_LONGEST], op_class(name) if found is None else found)


@lru_cache(maxsize=1 << 16)
def _family(name: str, found: str) -> Family:
    by_name = op_class(name)
    if by_name not in PRODUCTS and (found not in PRODUCTS or by_name != "other"):
        return Family(family=NO_PRODUCT, tensor_core=False)
    short = name.lower()
    for label, pattern, answer in _FAMILIES:
        if pattern.search(short):
            return Family(family=label, tensor_core=answer(short), precision=_precision(short))
    return Family(family=UNRECOGNISED, tensor_core=None, precision=_precision(short))


def _precision(short: str) -> str | None:
    if generated := _GENERATED.match(short):
        short = generated[1]
    elif tensile := _TENSILE.match(short):
        return _LETTERS.get(tensile[1])
    elif jet := _NVJET.match(short):
        return _NVJET_LETTERS.get(jet[1])
    return next((precision for precision, pattern in _PRECISIONS if pattern.search(short)), None)


def tensor_core_table(kernels: pl.DataFrame) -> pl.DataFrame:
    """Kernels of an events' frame by family, largest first; the sums over rows are exactly the kernels' time.

    Columns: `family`, `tensor_core` (null: unknown), `count`, `total_ns`, `share` (of all kernels' time). Rows of other kinds than
    `kernel` are left out.
    """
    table = _named(kernels).group_by("family", "tensor_core").agg(pl.col("count").sum(), pl.col("total_ns").sum())
    return table.with_columns((pl.col("total_ns") / pl.max_horizontal(pl.col("total_ns").sum(), 1)).alias("share")).sort(
        "total_ns", "family", "tensor_core", descending=[True, False, False]
    )


def tensor_core_share(events: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Kernel time with tensor cores, without, and unknown: `yes_ns`, `no_ns`, `unknown_ns` of matrix `products` and of all `kernels`.

    Products are every family but `NO_PRODUCT`, inside the optimizer too; what helps one without multiplying is among them, as time
    that tensor cores did not shorten. In each the three sum to its kernels' time.
    """
    named = _named(events)
    return {
        "products": _answers(named.filter(pl.col("family") != NO_PRODUCT)),
        "kernels": _answers(named),
    }


def _answers(named: pl.DataFrame) -> dict[str, int]:
    answer = pl.col("tensor_core")
    chosen = {"yes_ns": answer, "no_ns": ~answer, "unknown_ns": answer.is_null()}
    return {label: int(named.filter(test)["total_ns"].sum()) for label, test in chosen.items()}


def _named(events: pl.DataFrame) -> pl.DataFrame:
    """One row per kernel's name and op class: `family`, `tensor_core`, `count`, `total_ns`."""
    table = (
        events.filter(pl.col("kind") == "kernel")
        .select(pl.col("name").cast(pl.String), pl.col("op_class").cast(pl.String), "duration_ns")
        .group_by("name", "op_class")
        .agg(pl.len().cast(pl.Int64).alias("count"), pl.col("duration_ns").sum().alias("total_ns"))
    )
    families = [family(name, found) for name, found in table.select("name", "op_class").iter_rows()]
    return table.select(
        pl.Series("family", [one.family for one in families], dtype=pl.String),
        pl.Series("tensor_core", [one.tensor_core for one in families], dtype=pl.Boolean),
        "count",
        "total_ns",
    )
