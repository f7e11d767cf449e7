"""The operations that specs count, against the counters of both frameworks, number for number."""

from __future__ import annotations

import pytest

from core.workloads.mobilenet_v2.spec import convolutions
from core.workloads.registry import NAMES, flops, workload_spec
from tests.workloads.proof import answers

pytestmark = pytest.mark.slow

_PYTORCH = """
import json, torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from core.workloads.registry import samples, workload_module, workload_spec
for name in {names}:
    sizes = workload_spec(name).small_sizes
    workload, (train, _) = workload_module(name, "pytorch"), samples(name, sizes)
    inputs, labels = workload.data(train.inputs[:2], train.labels[:2], "cpu")
    model, loss = workload.model(sizes), workload.loss()
    # Fused operators for CPUs, an LSTM of oneDNN and attention, are not seen by the counter; their products are.
    with torch.backends.mkldnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH):
        with FlopCounterMode(display=False) as forward:
            value = loss(model(inputs), labels)
        with FlopCounterMode(display=False) as backward:
            value.backward()
    print("answer", json.dumps([name, forward.get_total_flops() / 2, (forward.get_total_flops() + backward.get_total_flops()) / 2]))
"""

#: By the counters that `tf.compat.v1.profiler` asks, which include element-wise work; an Einsum has none and is 2 operations for
#: each combination of its indices. Variables are frozen, so that every shape is known.
_TENSORFLOW = """
import json, math, tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
from tensorflow.python.framework.ops import get_stats_for_node_def
from core.workloads.registry import samples, workload_module, workload_spec
def operations(graph, operation):
    if operation.type == "Einsum":
        terms = operation.get_attr("equation").decode().split("->")[0].split(",")
        return 2 * math.prod({{index: size for term, of in zip(terms, operation.inputs) for index, size in zip(term, of.shape)}}.values())
    if operation.type in ("Conv2D", "DepthwiseConv2dNative", "MatMul", "BatchMatMulV2"):
        return int(get_stats_for_node_def(graph, operation.node_def, "flops").value)
    return 0
for name in {names}:
    sizes = workload_spec(name).small_sizes
    workload, (train, _) = workload_module(name, "tensorflow"), samples(name, sizes)
    inputs, _ = workload.data(train.inputs[:1], train.labels[:1])
    model = workload.model(sizes)
    traced = tf.function(lambda inputs: model(inputs, training=False)).get_concrete_function(tf.TensorSpec(inputs.shape, inputs.dtype))
    graph = convert_variables_to_constants_v2(traced).graph
    print("answer", json.dumps([name, sum(operations(graph, operation) for operation in graph.get_operations())]))
"""

#: An LSTM is a loop there, and the counter does not know how often it turns.
_COUNTED_BY_TENSORFLOW = tuple(name for name in NAMES if name != "lstm")


def test_pytorch_counts_the_same_forward_and_backward():
    counted = {name: (forward, training) for name, forward, training in answers(_PYTORCH.format(names=NAMES))}
    for name in NAMES:
        expected = flops(name, workload_spec(name).small_sizes)
        assert expected is not None
        training = expected.training
        if name == "mobilenet_v2":
            # The counter takes the gradient of a depthwise kernel for that of a whole one, with as many inputs as outputs.
            training += sum(part.flops() * (part.inputs - 1) for part in convolutions(workload_spec(name).small_sizes) if part.depthwise)
        assert counted[name] == (expected.forward, training), name


def test_tensorflow_counts_the_same_forward():
    counted = dict(answers(_TENSORFLOW.format(names=_COUNTED_BY_TENSORFLOW)))
    assert set(counted) == set(NAMES) - {"lstm"}
    for name, operations in counted.items():
        expected = flops(name, workload_spec(name).small_sizes)
        assert expected is not None
        assert operations == expected.forward, name
