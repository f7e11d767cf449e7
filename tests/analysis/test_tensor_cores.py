"""Families of kernels that multiply on tensor cores, by name; their time on made-up kernels and on real recordings."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.analysis.tensor_cores import NO_PRODUCT, UNRECOGNISED, Family, family, tensor_core_share, tensor_core_table
from core.traces.read import read_trace
from core.traces.schema import EVENT_SCHEMA, OP_CLASSES
from tests.traces.shared import SHARED, needs_shared

CUTLASS = "CUTLASS tensor op"
XMMA = "xmma (cuBLAS, cuDNN, TensorRT)"
MMA = "mma by instruction (884, 1688, 16816, …)"
SIMT = "SIMT matrix multiply and convolution"
HELPER = "helper of a product"
TENSILE = "Tensile (rocBLAS, hipBLASLt)"

#: Kernels as profilers wrote them, long ones cut at the end: family, tensor cores, precision of the factors.
NAMES = [
    # cuBLAS and cuDNN from Volta to Blackwell.
    ("volta_fp16_s884gemm_fp16_128x128_ldg8_f2f_nn", MMA, True, "fp16"),
    ("volta_h884gemm_64x64_ldg8_nn", MMA, True, "fp16"),
    ("turing_h1688gemm_256x128_ldg8_tn", MMA, True, "fp16"),
    ("turing_i8816gemm_int8_128x128_ldg16_relu_tn", MMA, True, "int8"),
    ("ampere_fp16_s16816gemm_fp16_128x128_ldg8_f2f_stages_32x5_tn", MMA, True, "fp16"),
    ("ampere_bf16_s1688gemm_bf16_128x128_ldg8_f2f_stages_32x1_nn", MMA, True, "bf16"),
    ("volta_fp16_s884cudnn_fp16_256x128_ldg8_relu_f2f_exp_interior_nhwc_tn_v1", MMA, True, "fp16"),
    ("sm80_xmma_fprop_implicit_gemm_indexed_tf32f32_tf32f32_f32_nhwckrsc_nchw_tilesize128x128x16_stage4_warpsize2x2x1_g1_tensor16x8x8",
     XMMA, True, "tf32"),
    ("sm80_xmma_gemm_f32f32_f32f32_f32_tn_n_tilesize32x32x8_stage3_warpsize1x2x1_ffma_aligna4_alignc4_execute_kernel__5x_cublas",
     XMMA, False, "fp32"),
    ("sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize128x128x64_warpgroupsize1x1x1_execute_segment_k_off_kernel__5x_cublas",
     XMMA, True, "bf16"),
    ("sm90_xmma_gemm_e4m3bf16_e4m3f32_f32_tn_n_tilesize64x64x128_warpgroupsize1x1x1_execute_segment_k_off_kernel__5x_cublas",
     XMMA, True, "fp8"),
    ("void xmma_cudnn::gemm::kernel<xmma_cudnn::implicit_gemm::dgrad::Kernel_traits<xmma_cudnn::Ampere_hmma_fp32_traits, x", XMMA, True, "fp16"),
    ("nvjet_hsh_256x128_64x4_1x2_h_bz_coopA_NNT", "nvjet", True, "fp16"),
    ("nvjet_sm100_tst_64x32_64x16_2x1_2cta_h_bz_TNT", "nvjet", True, "bf16"),
    ("nvjet_sm100_qrtst_128x256_128x6_2x1_2cta_v_bz_NNT", "nvjet", True, "fp8"),
    ("volta_sgemm_128x32_nt", SIMT, False, "fp32"),
    ("ampere_sgemm_32x32_sliced1x4_tn", SIMT, False, "fp32"),
    ("volta_fp16_sgemm_fp16_64x64_nn", SIMT, False, "fp16"),
    ("ampere_gcgemm_64x64_nt", SIMT, False, None),
    ("volta_scudnn_winograd_128x128_ldg1_ldg4_relu_tile148t_nt_v1", SIMT, False, "fp32"),
    ("void implicit_convolve_sgemm<float, float, 1024, 6, 7, 3, 3, 5, 1, false, true, true>(int)", SIMT, False, "fp32"),
    ("void cudnn::detail::dgrad_engine<float, 512, 6, 5, 3, 3, 3, false>(int)", SIMT, False, "fp32"),
    ("void gemv2T_kernel_val<int, int, float, float, float, float, 128, 16, 4, 4, false, false, x", "matrix times vector", False, "fp32"),
    ("void cublasLt::splitKreduce_kernel<32, 16, int, float, __nv_bfloat16, float, __nv_bfloat16, false>(x)", HELPER, False, "bf16"),
    ("void cudnn::winograd_nonfused::winogradForwardData4x4<float, float>(x)", HELPER, False, "fp32"),
    # CUTLASS.
    ("void cutlass::Kernel<cutlass_80_tensorop_s1688gemm_64x64_32x4_nn_align1>(x)", CUTLASS, True, "tf32"),
    ("void cutlass::Kernel<cutlass_75_tensorop_f16_s1688gemm_f16_256x128_32x2_nn_align8>(x)", CUTLASS, True, "fp16"),
    ("void cutlass::Kernel2<cutlass_80_wmma_tensorop_bf16_s161616gemm_bf16_16x16_128x1_tn_align8>(x)", CUTLASS, True, "bf16"),
    ("cutlass3x_sm90_tensorop_s64x128x16gemm_f16_f16_f32_f32_128x128x64_2x1x1_0_ntn_align8", CUTLASS, True, "fp16"),
    ("cutlass3x_sm100_bstensorop_s128x256x64gemm_block_scaled_ue4m3xf4_ue4m3xf4_f32_f16_f16", CUTLASS, True, "fp4"),
    ("cutlass3x_sm100_simt_sgemm_f32_f32_f32_f32_f32_64x32x16_1x1x1_3_tnn_align1_bias_f32_relu", "CUTLASS SIMT", False, "fp32"),
    ("void cutlass::device_kernel<cutlass::gemm::kernel::GemmUniversal<cute::tuple<int, int, int, int>, x", "CUTLASS", None, None),
    ("kernel_cutlass_kernel_flashinfergemmkernelsdense_blockscaled_gemm_sm100Sm100BlockScaledPersistentDenseGemm_object_at__",
     "wgmma, wmma, tcgen05", True, None),
    # Attention.
    ("void pytorch_flash::flash_fwd_kernel<pytorch_flash::Flash_fwd_kernel_traits<64, 128, 128, 4, false, false, cutlass::bfloat16_t>(x)",
     "fused attention", True, "bf16"),
    ("fmhaSm100fKernel_QkvBfloat16OBfloat16H128PagedKvCausalP64MultiCtasKvVarSeqQ8Kv128StaticSwapsAbForGen", "fused attention", True, "bf16"),
    ("cudnn_generated_fort_native_sdpa_sm90_flash_bprop_wgmma_f16_knob_26_64x64x128_1x", "fused attention", True, "fp16"),
    ("attn_fwd", "fused attention", True, None),
    ("fmha_cutlassF_f32_aligned_64x64_rf_sm75(x)", "fused attention, CUTLASS", False, "fp32"),
    ("fmha_cutlassF_f32_aligned_64x64_rf_sm80(x)", "fused attention, CUTLASS", True, "fp32"),
    ("fmhaReductionKernel", HELPER, False, None),
    ("void vllm::paged_attention_v2_kernel<__nv_bfloat16, __nv_bfloat16, 128, 16>(x)", "fused attention, one query at a time", False, "bf16"),
    # Blackwell in serving.
    ("bmm_E2m1_E2m1E2m1_Fp32_bA16_bB16_bC16_t128x8x512_s6_et128x8_m128x8x64_cga1x1x1_16dp256b_rM_TN_transOut_schedP2x1x2x3_bN_ldgsts",
     "TensorRT-LLM generated (bmm)", True, "fp4"),
    # The result is FP8, the factors are FP4.
    ("bmm_E4m3_E2m1E2m1_Fp32_bA16_bB16_t128x8x512", "TensorRT-LLM generated (bmm)", True, "fp4"),
    ("bmm_Bfloat16_E4m3E4m3_Fp32_t128x16x128_s6_et64x16_m64x16x32_c1x1x1_rM_TN_transOut", "TensorRT-LLM generated (bmm)", True, "fp8"),
    ("void deep_gemm::sm100_fp8_gemm_1d1d_impl<(cute::UMMA::Major)0>(x)", "DeepGEMM", True, "fp8"),
    # Triton.
    ("triton_tem_fused_mm_3", "Triton dot", None, None),
    ("fused_moe_kernel", "Triton dot", None, None),
    ("_w8a8_block_fp8_matmul", "Triton dot", True, "fp8"),
    ("_fwd_kernel", UNRECOGNISED, None, None),
    # AMD; `S` and `D` are fp32 and fp64, which its matrix cores multiply too.
    ("Cijk_Alik_Bljk_BBS_BH_Bias_HA_S_SAV_UserArgs_MT256x192x64_MI16x16x1_SN_LDSB1_AFC1", TENSILE, True, "bf16"),
    ("Cijk_Alik_Bljk_SB_Bias_AS_SAV_UserArgs_MT64x16x32_MI16x16x1_SN_LDSB0_AFC1", TENSILE, True, "fp32"),
    ("Cijk_Ailk_Bljk_HHS_BH_MT64x64x64_MI16x16x16x1_SN_1LDSB0_APM1", TENSILE, True, "fp16"),
    ("Cijk_Ailk_Bljk_HHS_BH_MT128x128x16_SE_K1", TENSILE, None, "fp16"),
    ("igemm_wrw_gtcx2_nhwc_bf16_bx0_ex1_bt256x128x16_wt32x32x8_ws2x1_wr2x2", "MIOpen implicit GEMM", True, "bf16"),
    ("_ZN2ck16tensor_operation6device37kernel_batched_gemm_xdlops_bwd_weightINS_47GridwiseGemm", "Composable Kernel", True, None),
    ("gemm_xdl_preshuffle", "Composable Kernel", True, None),
    ("naive_conv_ab_nonpacked_fwd_nchw_float_double_float", "MIOpen direct and Winograd", False, None),
    # No product: never unknown.
    ("triton_poi_fused_convolution_relu_2", NO_PRODUCT, False, None),
    ("batched_transpose_16x32_half", NO_PRODUCT, False, None),
    ("ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)", NO_PRODUCT, False, None),
    ("void at::native::vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<c10::Half>, std::array<char*, 3ul> >(x)",
     NO_PRODUCT, False, None),
    ("some_kernel", NO_PRODUCT, False, None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "expected", "tensor_core", "precision"), NAMES)
def test_a_name_tells_its_family(name, expected, tensor_core, precision):
    assert family(name) == Family(family=expected, tensor_core=tensor_core, precision=precision)


def test_an_operator_that_multiplies_makes_an_unnamed_kernel_unknown():
    assert family("some_kernel", "matrix multiply") == Family(family=UNRECOGNISED, tensor_core=None)
    assert family("some_kernel", "elementwise").tensor_core is False
    # The gradient's product in an optimizer that multiplies matrices.
    assert family("nvjet_hsh_256x128_64x4", "optimizer").tensor_core is True


@pytest.mark.parametrize("piece", ["cutlass_simt", "_1688", "igemm_gtc", "mfma", "conv_depthwise", "f32_aligned_sm7", "_a1_"])
def test_a_hostile_name_is_no_work(piece):
    assert family("mm_" + piece * 20_000).family


def kernels(*rows):
    """Rows of an events' frame: (kind, name, op class, duration in ns)."""
    columns = ("kind", "name", "op_class", "duration_ns")
    return pl.DataFrame(list(rows), schema={column: EVENT_SCHEMA[column] for column in columns}, orient="row")


MADE = kernels(
    ("kernel", "nvjet_hsh_256x128", "matrix multiply", 60),
    ("kernel", "nvjet_tst_64x32", "matrix multiply", 20),
    ("kernel", "ampere_sgemm_128x64_nn", "convolution forward", 30),
    ("kernel", "triton_tem_fused_mm_0", "matrix multiply", 7),
    ("kernel", "my_kernel", "attention", 3),
    ("kernel", "my_kernel", "pooling", 5),
    ("kernel", "ampere_sgemm_128x64_nn", "optimizer", 10),
    ("communication", "ncclDevKernel_AllReduce", "communication", 1000),
    ("operator", "aten::mm", "matrix multiply", 9000),
)


def test_the_table_is_by_family_and_sums_to_the_kernels():
    table = tensor_core_table(MADE)
    assert table.drop("share").rows() == [
        ("nvjet", True, 2, 80),
        (SIMT, False, 2, 40),
        ("Triton dot", None, 1, 7),
        (NO_PRODUCT, False, 1, 5),
        (UNRECOGNISED, None, 1, 3),
    ]
    assert table["share"].to_list() == pytest.approx([80 / 135, 40 / 135, 7 / 135, 5 / 135, 3 / 135])


def test_the_share_keeps_unknown_apart():
    assert tensor_core_share(MADE) == {
        "products": {"yes_ns": 80, "no_ns": 40, "unknown_ns": 10},
        "kernels": {"yes_ns": 80, "no_ns": 45, "unknown_ns": 10},
    }


def test_no_kernels_give_an_empty_table():
    nothing = MADE.clear()
    assert tensor_core_table(nothing).is_empty()
    assert tensor_core_share(nothing)["kernels"] == {"yes_ns": 0, "no_ns": 0, "unknown_ns": 0}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["kernel", "memcpy"]),
            st.sampled_from([name for name, *_ in NAMES]),
            st.sampled_from(OP_CLASSES),
            st.integers(0, 1 << 40),
        )
    )
)
def test_every_part_sums_exactly_to_kernel_time(rows):
    events = kernels(*rows)
    total_ns = sum(row[3] for row in rows if row[0] == "kernel")
    table = tensor_core_table(events)
    assert table["total_ns"].sum() == total_ns
    assert table["count"].sum() == sum(row[0] == "kernel" for row in rows)
    assert sum(tensor_core_share(events)["kernels"].values()) == total_ns
    assert sum(tensor_core_share(events)["products"].values()) == table.filter(pl.col("family") != NO_PRODUCT)["total_ns"].sum()


#: Sums of the raw durations of the names that were read and told apart by hand.
REAL = {
    # One fp32 product on ordinary cores in a model in bf16.
    "qwen_h100_memory": {(XMMA, True): 12_789_918, ("fused attention", True): 3_855_468, ("CUTLASS SIMT", False): 3_520,
                         (NO_PRODUCT, False): 28_783_792},
    "qwen_mi300_memory": {(TENSILE, True): 16_887_733, ("fused attention", True): 5_695_372, (NO_PRODUCT, False): 20_478_937},
    # In fp32 on Volta nothing can use them: scudnn 90.453 ms, convolve_sgemm 76.634, sgemm 44.459, the engines of both gradients 158.361.
    "resnet50_v100_workers0": {(SIMT, False): 369_907_000, (HELPER, False): 24_865_000, (NO_PRODUCT, False): 196_760_000},
    # TF32 for large products, none for small ones.
    "diff_a100_control": {(CUTLASS, True): 66_811_000, (SIMT, False): 10_580_000, (HELPER, False): 4_879_000,
                          ("matrix times vector", False): 422_000, (NO_PRODUCT, False): 200_586_000},
    "alexnet_a100_sync": {(XMMA, True): 1_814_000, (SIMT, False): 5_336_000, (HELPER, False): 604_000, (NO_PRODUCT, False): 2_938_000},
    "gpu_only_mi210": {("MIOpen implicit GEMM", True): 1_620_575, (TENSILE, True): 89_917, (NO_PRODUCT, False): 3_632_930},
}  # fmt: skip


@needs_shared
@pytest.mark.parametrize("name", REAL)
def test_the_families_of_a_real_recording(name):
    table = tensor_core_table(read_trace(SHARED / f"{name}.pt.trace.json.gz").events)
    assert {(row["family"], row["tensor_core"]): row["total_ns"] for row in table.iter_rows(named=True)} == REAL[name]
    assert table["share"].sum() == pytest.approx(1)
