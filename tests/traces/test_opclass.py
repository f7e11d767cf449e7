"""One vocabulary for what operations do, whatever they are called."""

from __future__ import annotations

from itertools import product

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.traces.opclass import in_phase, op_class, refined_by_kernel
from core.traces.read import read_trace
from core.traces.schema import OP_CLASSES, PHASES
from core.traces.scope import layer_and_phase
from tests.traces.shared import SHARED, needs_shared

SAME = {
    "convolution forward": ("aten::mkldnn_convolution", "aten::conv2d", "_MklNativeFusedConv2D", "_FusedConv2D", "Conv2D", "convolution"),
    "convolution backward": ("aten::convolution_backward", "autograd::engine::evaluate_function: ConvolutionBackward0"),
    "convolution backward data": ("Conv2DBackpropInput", "_MklNativeConv2DBackpropInput", "aten::cudnn_convolution_backward_input",
                                  "void cudnn::detail::dgrad_engine<float, 512, 6>(int, int)"),
    "convolution backward weights": ("Conv2DBackpropFilter", "_MklNativeConv2DBackpropFilterWithBias",
                                     "aten::cudnn_convolution_backward_weight", "cudnn::cnn::wgrad_alg0_engine<float>(int)"),
    "matrix multiply": ("aten::addmm", "aten::mm", "_MklMatMul", "_MklNativeFusedMatMul", "MatMul.8", "volta_sgemm_128x32_nt",
                        "Cijk_Alik_Bljk_BBS_BH_MT256x128x64", "nvjet_tst_128x256", "AddmmBackward0"),
    "attention": ("aten::scaled_dot_product_attention", "attn_fwd", "flash_fwd_kernel"),
    "normalisation": ("aten::native_layer_norm", "FusedBatchNormV3", "aten::native_batch_norm_backward"),
    "pooling": ("aten::max_pool2d_with_indices_backward", "_MklNativeMaxPoolGrad", "MaxPool", "wrapped_reduce-window.3", "AvgPool"),
    "elementwise": ("aten::threshold_backward", "ReluGrad", "aten::clamp_min", "aten::add_", "AddV2", "broadcast_maximum_fusion.2",
                    "void at::native::vectorized_elementwise_kernel<4, at::native::AddFunctor<float>>(int)",
                    "triton_poi_fused__unsafe_view_mul_silu_2"),
    "reduction and loss": ("aten::nll_loss_forward", "SparseSoftmaxCrossEntropyWithLogits", "BiasAddGrad", "aten::sum", "Sum", "add_reduce_fusion"),
    "embedding and gather": ("aten::index", "GatherV2", "aten::embedding", "ResourceGather"),
    "optimizer": ("ResourceApplyAdam", "aten::_fused_adam_"),
    "copy host-device": ("Memcpy HtoD (Pageable -> Device)", "MemcpyH2D"),
    "copy device-host": ("Memcpy DtoH (Device -> Pinned)", "MemcpyD2H"),
    "copy device-device": ("Memcpy DtoD (Device -> Device)", "__amd_rocclr_copyBuffer.kd"),
    "memset": ("Memset (Device)", "aten::zero_", "aten::fill_", "ZerosLike", "Fill"),
    "communication": ("ncclDevKernel_AllReduce_Sum_f32", "c10d::allreduce_", "c10d::broadcast_", "record_param_comms"),
    "data layout": ("aten::copy_", "aten::t", "aten::reshape", "aten::_to_copy", "Transpose", "Cast", "StridedSlice", "ReadVariableOp",
                    "transpose_copy_fusion.4", "wrapped_iota.1", "convert_element_type", "aten::broadcast_to", "aten::expand"),
    "random": ("aten::bernoulli_", "RandomUniform", "aten::native_dropout", "TruncatedNormal"),
    "graph launch": ("cudaGraphLaunch",),
    "input pipeline": ("MakeIterator", "PrefetchDataset", "IteratorGetNext"),
    "other": ("hello world",),
}  # fmt: skip


AT = "void at::native::"
EIGEN = ("void Eigen::internal::EigenMetaKernel<Eigen::TensorEvaluator<Eigen::TensorAssignOp<Eigen::TensorMap<Eigen::Tensor<Eigen::half, "
         "1, 1, long>, 16, Eigen::MakePointer>, ")  # fmt: skip

#: Kernels as profilers wrote them, of stacks that none of the recordings here comes from; long ones are cut at the end.
KERNELS = {
    "convolution forward": (
        "sm80_xmma_fprop_implicit_gemm_f16f16_f16f32_f32_nhwckrsc_nhwc_tilesize128x128x32_stage4_warpsize2x2x1_g1_tensor16x8x16_execute_kernel",
        "volta_fp16_s884cudnn_fp16_256x128_ldg8_relu_f2f_exp_interior_nhwc_tn_v1",
        "void fft2d_r2c_32x32<float, false, 5u, true>(float2*, float const*, int)",
        "cask_cudnn::computeBOffsetsKernel(cask_cudnn::ComputeBOffsetsParams)",
        "void cutlass__5x_cudnn::Kernel<cutlass_tensorop_f16_s16816fprop_optimized_f16_256x128_32x3>(x)",
        "MIOpenConvUni", "miopenSp3AsmConv_v21_1_3_gfx9_fp32_stride1", "Im2d2Col", "void causal_conv1d_fwd_kernel<x>", "__cudnn$convForward",
    ),
    "convolution backward": ("void at::native::(anonymous namespace)::conv_depthwise2d_backward_kernel<3, 1>(x)",),
    "convolution backward data": (
        "void cutlass_cudnn::Kernel<cutlass_tensorop_f16_s16816dgrad_optimized_f16_128x256_32x3_unity_stride>(x)",
        "igemm_bwd_gtcx2_nhwc_bf16_bx0_ex1_bt32x128x32_wt16x64x4_ws1x1_wr1x1_ta1x4x1x1_1x8x1x32_tb1x4x1x4_1x8x1x32_mh_gkgs",
        "naive_conv_ab_nonpacked_bwd_nchw_float_double_float", "__cudnn$convBackwardInput",
    ),
    "convolution backward weights": (
        "void xmma_cudnn::gemm::kernel<xmma_cudnn::implicit_gemm::wgrad_indexed::Kernel_traits<xmma_cudnn::Ampere_hmma_fp32_traits, x",
        "_ZN2ck16tensor_operation6device37kernel_batched_gemm_xdlops_bwd_weightINS_47GridwiseGemm_bk0mk1_bk0nk1_mn_xdlops_bwd_weightI",
        "naive_conv_ab_nonpacked_wrw_nchw_float_double_float", "MIOpenCvBwdWrW_rxc_stride", "__cudnn$convBackwardFilter",
        "void at::native::(anonymous namespace)::conv_depthwise2d_grad_weight_kernel<float>(x)",
    ),
    "matrix multiply": (
        "nvjet_sm100_tst_64x32_64x16_2x1_2cta_h_bz_TNT", "turing_fp16_s884gemm_fp16_64x64_ldg8_f2f_nn", "gemm_fusion_dot_4", "__cublas$gemm",
        # The letters of its options hold `bN`, which is no batch normalisation.
        "bmm_E2m1_E2m1E2m1_Fp32_bA16_bB16_bC16_t128x8x512_s6_et128x8_m128x8x64_cga1x1x1_16dp256b_rM_TN_transOut_schedP2x1x2x3_bN_ldgsts",
        "cutlass3x_sm100_bstensorop_s128x256x64gemm_block_scaled_ue4m3xf4_ue4m3xf4_f32_f16_f16",
        "void cutlass::device_kernel<cutlass::gemm::kernel::GemmUniversal<cute::tuple<int, int, int, int>, x",
        "void cublasLt::splitKreduce_kernel<32, 16, int, float, __nv_bfloat16, float, __nv_bfloat16, false>(x)",
        "std::enable_if<!(false), void>::type internal::gemvx::kernel<int, int, float, float, float, float, false>(x)",
        "void deep_gemm::sm100_fp8_gemm_1d1d_impl<(cute::UMMA::Major)0>(x)", "_w8a8_block_fp8_matmul", "fused_moe_kernel",
        "kernel_cutlass_kernel_flashinfergemmkernelsdense_blockscaled_gemm_sm100Sm100BlockScaledPersistentDenseGemm_object_at__",
        "_ZN7cutlass13device_kernelINS_4gemm6kernel13GemmUniversalINS1_17GroupProblemShapeIN4cute5tuple",
        "triton_tem_fused_mm_3", "triton_tem_fused__to_copy__unsafe_view_add_addmm_bmm_clone_mean_mul_pow_rsqrt_transpose_view_139",
        "void wvSplitK_hf_sml_<__hip_bfloat16, 32, 3, 16, 8, 4, 1>(int)", "void marlin::Marlin<__nv_bfloat16, 256, 4>(x)",
    ),
    "attention": (
        "fmhaSm100fKernel_QkvBfloat16OBfloat16H128PagedKvCausalP64MultiCtasKvVarSeqQ8Kv128StaticSwapsAbForGen",
        "cudnn_generated_fort_native_sdpa_sm100_flash_fprop_f16_knob_7_64x128x128", "triton_tem_fused_flex_attention_0",
        "void cutlass::device_kernel<flash::enable_sm90_or_later<flash::FlashAttnFwdSm90<flash::CollectiveMainloopFwdSm90<2, cute::tuple",
        "fmha_cutlassF_bf16_aligned_64x128_rf_sm80(PyTorchMemEffAttention::AttentionKernel<cutlass::bfloat16_t, cutlass::arch::Sm80, true>)",
        "void vllm::paged_attention_v2_kernel<__nv_bfloat16, __nv_bfloat16, 128, 16>(x)", "_fwd_kernel", "kernel_unified_attention_2d",
        "kernel_cutlass_kernel_vllmvllm_flash_attncuteflash_fwd_sm100FlashAttentionForwardSm100_object_at__",
        "void flashinfer::BatchPrefillWithPagedKVCacheKernel<x>(x)", "void ck_tile::kentry<1, ck_tile::FmhaFwdKernel<x>>(x)",
    ),
    "normalisation": (
        "void vllm::rms_norm_kernel<c10::BFloat16>(c10::BFloat16*)", "void flashinfer::norm::RMSNormKernel<8u, __nv_bfloat16>(x)",
        "kernel_cutlass_kernel_flashinfernormkernelsfused_add_rmsnormFusedAddRMSNormKernel_object_at__",
        "triton_per_fused_native_layer_norm_7", "MIOpenBatchNormFwdTrainSpatial", "_layer_norm_fwd_1pass_kernel",
        "void at::native::(anonymous namespace)::RowwiseMomentsCUDAKernel<float, float>(long)",
    ),
    "pooling": (
        "void cudnn::ops::pooling_bw_kernel_max<__half, float, cudnn::maxpooling_func<float, (cudnnNanPropagation_t)0>, false>(x)",
        "select-and-scatter.5", "void at::native::(anonymous namespace)::upsample_nearest2d_out_frame<float>(x)",
    ),
    "elementwise": (
        # Pointwise, whatever its inputs came from: the bias and the activation after a convolution.
        "triton_poi_fused_convolution_relu_2", "triton_poi_fused_addmm_gelu_4", "triton_for_fused_0", "loop_select_subtract_fusion",
        "void vllm::rotary_embedding_kernel<c10::BFloat16, true>(long const*)", "Mul_GPU_DT_FLOAT_DT_FLOAT_kernel",
        "void vllm::act_and_mul_kernel<c10::BFloat16, &(c10::BFloat16 vllm::silu_kernel<c10::BFloat16>(c10::BFloat16 const&)), true>(x)",
        "void tensorrt_llm::kernels::cutlass_kernels::doActivationKernel<x>(x)", "void tensorflow::BiasNHWCKernel<float>(int, float const*)",
        f"{EIGEN}Eigen::TensorCwiseBinaryOp<Eigen::internal::scalar_sum_op<Eigen::half, Eigen::half>, x",
        f"{AT}unrolled_elementwise_kernel<at::native::CUDAFunctor_add<float>, std::array<char*, 3ul>, 4, at::native::memory::LoadWithCast<2> >(int)",
        f"{AT}(anonymous namespace)::multi_tensor_apply_kernel<at::native::(anonymous namespace)::TensorListMetadata<2>, std::plus<float> >(x)",
    ),
    "reduction and loss": (
        "triton_red_fused__to_copy_add_mean_mul_pow_rsqrt_3", "triton_red_fused_convolution_backward_1", "input_add_reduce_fusion",
        "void vllm::moe::topkGatingSoftmax<4, 128, 4, 16>(float const*)", "void vllm::moe::moe_align_block_size_kernel<int>(int const*)",
        "compute_expert_blockscale_offsets(int const*, int*, int*, int*, long)",
        "void moe::dev::routing::routingDeepSeek::routingMainKernel<x>(x)", f"{AT}sbtopk::gatherTopK<float, unsigned int, 2, false>(x)",
        f"{AT}vectorized_elementwise_kernel<4, at::native::mse_kernel_cuda(at::TensorIteratorBase&)::{{lambda()#1}}>(int)",
        f"{AT}(anonymous namespace)::cunn_SoftMaxForward<8, float, float, float, SoftMaxForwardEpilogue>(x)",
        "void tensorflow::BiasGradNHWC_SharedAtomics<float>(int)", "void cub::DeviceReduceKernel<cub::DeviceReducePolicy<float, float, int, x",
        f"{AT}(anonymous namespace)::multi_tensor_apply_kernel<TensorListMetadata<1>, at::native::LpNormFunctor<float, (NormType)1> >(x)",
    ),
    "embedding and gather": (
        "void vllm::reshape_and_cache_flash_kernel<__nv_bfloat16, __nv_bfloat16, (vllm::Fp8KVCacheDataType)0>(x)", "input_scatter_fusion",
        "void tensorrt_llm::kernels::cutlass_kernels::finalizeMoeRoutingKernel<x>(x)",
        f"{AT}(anonymous namespace)::indexSelectLargeIndex<c10::BFloat16, long, unsigned int, 2, 2, -2, true>(x)",
        "void split_embedding_backward_codegen_rowwise_adagrad_unweighted_kernel_cta_per_row_1<float, float, float, 2ul>(x)",
    ),
    "optimizer": (
        f"{AT}(anonymous namespace)::multi_tensor_apply_kernel<FusedOptimizerTensorListMetadata<4>, FusedAdamMathFunctor<float, 4> >(x)",
        "void multi_tensor_apply_kernel<TensorListMetadata<4>, AdamFunctor<float>, float, float>(x)",
        "void tensorflow::functor::ApplyAdamKernel<float>(int)",
    ),
    "communication": (
        "ncclSymkDevKernel_AllReduce_RSxLDMC_AGxSTMC", "ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)",
        "void vllm::cross_device_reduce_1stage<__nv_bfloat16, 8>(vllm::RankData*)", "void deep_ep::internode_ll::dispatch<true, 4>(void*)",
        "void flashinfer::trtllm_allreduce_fusion::allreduce_fusion_kernel_oneshot_lamport<x>(x)", "all-reduce-start.1",
        "collective-permute-done.2", "All2All_Pooled_Wait", "void nvshmemi_barrier<x>(x)",
    ),
    "data layout": (
        "void tensorflow::functor::SwapDimension1And2InTensor3UsingTiles<Eigen::half, 256, 32, 32, false>(x)", "loop_convert_fusion",
        f"{EIGEN}Eigen::TensorBroadcastingOp<Eigen::array<int, 2ul> const, x", "void cudnn::ops::convertTensor_kernel<float, float, float>(x)",
        "void tensorrt_llm::kernels::quantize_with_block_size<(tensorrt_llm::BlockScaleQuantizationType)0>(x)", "batched_transpose_16x32_half",
        f"{AT}elementwise_kernel<128, 2, at::native::gpu_kernel_impl_nocast<at::native::direct_copy_kernel_cuda(at::TensorIteratorBase&)::x",
        "void (anonymous namespace)::elementwise_kernel_with_index<int, at::native::arange_cuda_out(c10::Scalar const&)::x",
        "void at::native::<unnamed>::CatArrayBatchedCopy<at::native::<unnamed>::OpaqueType<(unsigned int)2>, unsigned int, (int)4>(x)",
        "SubTensorOpWithCastTensor1d", "triton_poi_fused_clone_transpose_5", "dynamic-update-slice.4", "wrapped_transpose",
    ),
    "memset": ("SubTensorOpWithScalar1d",
               f"{AT}vectorized_elementwise_kernel<4, at::native::FillFunctor<c10::BFloat16>, std::array<char*, 1ul> >(x)"),
    "random": (
        "void flashinfer::sampling::TopKTopPSamplingFromProbKernel<1024u>(float*)", "rng-bit-generator.7",
        f"{AT}(anonymous namespace)::fused_dropout_kernel_vec<float, float, unsigned int, 1, 4, bool>(x)",
    ),
    # What is replayed or compiled is not in the name, and its hash holds `add` and `sum` only by chance.
    "other": ("## Call CompiledFxGraph fadd3sum4mul ##", "Torch-Compiled Region: 0/0", "CompiledFunctionBackward", "void regular_fft<512u>(x)"),
}  # fmt: skip


def pairs(table):
    return [(name, found) for found, names in table.items() for name in names]


@pytest.mark.parametrize(("name", "expected"), pairs(SAME))
def test_both_frameworks_get_the_same_word(name, expected):
    assert op_class(name) == expected


@pytest.mark.parametrize(("name", "expected"), pairs(KERNELS))
def test_a_kernel_is_known_by_its_name_alone(name, expected):
    assert op_class(name) == expected


def test_every_class_has_an_example():
    assert set(SAME) == set(OP_CLASSES)


@pytest.mark.parametrize("name", ["", "<" * 100_000, "<<<<(((" * 15_000, "a_" * 50_000, "A" * 100_000, "void " * 20_000, "at::" * 25_000,
                                  "CompiledFxGraph " * 7_000, "evaluate_function: " * 6_000, "\x00\ud800" * 50_000])  # fmt: skip
def test_a_hostile_name_is_no_work_and_other(name):
    assert op_class(name) == "other"


def test_half_a_word_at_the_cut_is_not_another():
    """`lamb` is an optimizer's, `lambda` nobody's."""
    for length in range(460, 520):
        assert op_class(f"{AT}vectorized_elementwise_kernel<4, {'x' * length}::" + "{lambda(float)#1}>(int)") == "elementwise"


@given(st.text(alphabet=st.sampled_from("abdegmnortxABD_ :<>(){},#12"), max_size=80))
def test_any_name_has_a_class(name):
    assert op_class(name) in OP_CLASSES


def test_inside_the_optimizer_everything_is_the_optimizers():
    assert in_phase("elementwise", "optimizer") == "optimizer"
    assert in_phase("elementwise", "backward") == "elementwise"
    assert in_phase("communication", "optimizer") == "communication"


@pytest.mark.parametrize(
    ("operator", "kernel", "expected"),
    [
        # `aten::conv2d` turns its input to NHWC, multiplies matrices, and adds the bias.
        ("convolution forward", "data layout", "data layout"),
        ("convolution forward", "matrix multiply", "convolution forward"),
        ("convolution forward", "elementwise", "elementwise"),
        # The same algorithm serves forward and backward; the operator knows which it is.
        ("convolution backward data", "convolution forward", "convolution backward data"),
        # One operator for both gradients.
        ("convolution backward", "convolution backward weights", "convolution backward weights"),
        ("convolution backward", "matrix multiply", "convolution backward"),
        ("convolution backward", "reduction and loss", "reduction and loss"),
        # `aten::embedding_dense_backward` sorts; `aten::mse_loss` is elementwise and a mean; `aten::copy_` runs an elementwise kernel.
        ("embedding and gather", "reduction and loss", "embedding and gather"),
        ("reduction and loss", "elementwise", "reduction and loss"),
        ("data layout", "elementwise", "data layout"),
        # A fused layer is called after its first half.
        ("normalisation", "matrix multiply", "matrix multiply"),
        # A graph, a fusion or an autograd node says nothing; a collective's copies are copies.
        ("other", "normalisation", "normalisation"),
        ("elementwise", "reduction and loss", "reduction and loss"),
        ("communication", "data layout", "data layout"),
        ("data layout", "communication", "communication"),
        ("optimizer", "communication", "communication"),
        # Inside the optimizer's step, and where the kernel's name says nothing.
        ("optimizer", "matrix multiply", "optimizer"),
        ("pooling", "other", "pooling"),
    ],
)
def test_a_kernel_and_its_operator_together_say_what_work_it_is(operator, kernel, expected):
    assert refined_by_kernel(operator, kernel) == expected


def test_the_rules_for_pairs_stay_among_the_classes():
    assert {refined_by_kernel(*both) for both in product(OP_CLASSES, repeat=2)} <= set(OP_CLASSES)
    assert {in_phase(*both) for both in product(OP_CLASSES, PHASES)} <= set(OP_CLASSES)


@needs_shared
@pytest.mark.parametrize("name", [
    "alexnet_a100_sync.pt.trace.json.gz", "compile_triton_mi300.pt.trace.json.gz", "conv_mi300x8.xplane.pb", "ddp_v100_memory.pt.trace.json.gz",
    "diff_a100_control.pt.trace.json.gz", "diff_v100_test.pt.trace.json.gz", "gpu_only_mi210.pt.trace.json.gz",
    "minitoy_mi250_rocm.pt.trace.json.gz", "multirank/rank-0.pt.trace.json.gz", "multirank/rank-1.pt.trace.json.gz",
    "qwen_h100_memory.pt.trace.json.gz", "qwen_mi300_memory.pt.trace.json.gz", "resnet50_v100_workers0.pt.trace.json.gz",
    "resnet50_v100_workers4.pt.trace.json.gz", "resnet_mi300_checkpoint.pt.trace.json.gz",
])  # fmt: skip
def test_device_time_of_a_real_recording_is_classified(name):
    work = read_trace(SHARED / name).events.filter(pl.col("kind").is_in(["kernel", "memcpy", "memset", "communication"]))
    known = work.filter(pl.col("op_class") != "other")
    assert work["duration_ns"].sum() > 0
    assert int(known["duration_ns"].sum()) >= 0.999 * int(work["duration_ns"].sum())


@needs_shared
def test_a_residual_network_on_amd_is_told_apart():
    """Worked out by hand from the raw names: MIOpen's `fwd`, `bwd` and `wrw`, its transposes, and Tensile for the last layer."""
    work = read_trace(SHARED / "gpu_only_mi210.pt.trace.json.gz").events.filter(pl.col("kind") == "kernel")
    names = pl.col("name").cast(pl.String)
    by_hand = {
        "convolution forward": names.str.starts_with("igemm_fwd"),
        "convolution backward data": names.str.starts_with("igemm_bwd"),
        "convolution backward weights": names.str.starts_with("igemm_wrw"),
        "matrix multiply": names.str.starts_with("Cijk_"),
    }
    found = dict(work.group_by(pl.col("op_class").cast(pl.String)).agg(pl.col("duration_ns").sum()).iter_rows())
    for name, test in by_hand.items():
        assert found[name] == work.filter(test)["duration_ns"].sum()


@pytest.mark.parametrize(
    ("scope", "op_type", "expected"),
    [
        ("mnist_cnn_1/conv1_1/Relu", "_FusedConv2D", ("conv1_1", "forward")),
        ("mnist_cnn_1/conv1_1/convolution/ReadVariableOp", "ReadVariableOp", ("conv1_1", "forward")),
        ("StatefulPartitionedCall/gradient_tape/mnist_cnn_1/pool1_1/MaxPool2d/MaxPoolGrad", "MaxPoolGrad", ("pool1_1", "backward")),
        ("gradient_tape/sparse_categorical_crossentropy/SparseSoftmaxCrossEntropyWithLogits/mul", "Mul",
         ("sparse_categorical_crossentropy", "backward")),
        ("StatefulPartitionedCall/compile_loss/sparse_categorical_crossentropy/Sum", "Sum", ("sparse_categorical_crossentropy", "forward")),
        ("adam/Sub_6/ReadVariableOp", "ReadVariableOp", (None, "optimizer")),
        ("StatefulPartitionedCall/adam_w/AssignSubVariableOp", "AssignSubVariableOp", (None, "optimizer")),
        ("adamw_1/Mul", "Mul", (None, "optimizer")),
        ("rm_sprop/Mul", "Mul", (None, "optimizer")),
        ("adaptive_1/conv/Relu", "Relu", ("conv", "forward")),
        ("AssignVariableOp", "AssignVariableOp", (None, "other")),
        ("Add/ReadVariableOp", "ReadVariableOp", (None, "other")),
        ("mnist_cnn_1/Reshape", "Reshape", ("mnist_cnn_1", "forward")),
    ],
)  # fmt: skip
def test_a_scope_tells_layer_and_phase(scope, op_type, expected):
    assert layer_and_phase(scope, op_type) == expected
