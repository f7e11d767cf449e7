"""One vocabulary for what operations do, whatever they are called."""

from __future__ import annotations

import pytest

from core.traces.opclass import in_phase, op_class
from core.traces.schema import OP_CLASSES
from core.traces.scope import layer_and_phase

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


@pytest.mark.parametrize(("name", "expected"), [(name, word) for word, names in SAME.items() for name in names])
def test_both_frameworks_get_the_same_word(name, expected):
    assert op_class(name) == expected


def test_every_class_has_an_example():
    assert set(SAME) == set(OP_CLASSES)


def test_inside_the_optimizer_everything_is_the_optimizers():
    assert in_phase("elementwise", "optimizer") == "optimizer"
    assert in_phase("elementwise", "backward") == "elementwise"
    assert in_phase("communication", "optimizer") == "communication"


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
        ("AssignVariableOp", "AssignVariableOp", (None, "other")),
        ("Add/ReadVariableOp", "ReadVariableOp", (None, "other")),
        ("mnist_cnn_1/Reshape", "Reshape", ("mnist_cnn_1", "forward")),
    ],
)  # fmt: skip
def test_a_scope_tells_layer_and_phase(scope, op_type, expected):
    assert layer_and_phase(scope, op_type) == expected
