"""The article's network, in numbers that hold for both sides."""

from core.workloads import counting
from core.workloads.mnist import load_mnist
from core.workloads.shared import sections
from core.workloads.spec import Flops, Layer, Samples, Section, Sizes, WorkloadSpec

SPEC = WorkloadSpec(
    name="mnist_cnn",
    title="MNIST CNN",
    summary="Two 3x3 convolutions with 32 and 64 filters, each with ReLU and a 2x2 max pool, dense 128, dense 10; Adam.",
    data="MNIST: 60,000 training and 10,000 test images of 28x28, shipped with the project (LeCun, Cortes, Burges; CC BY-SA 3.0).",
    depth="shallow",
    batch_size=64,
    small_batch_size=64,
    learning_rate=1e-3,
    train_samples=60_000,
    test_samples=10_000,
    parameters=225_034,
    layers=(
        Layer(name="conv1", kind="convolution 3x3, ReLU", tensorflow_shape=(26, 26, 32), pytorch_shape=(32, 26, 26), parameters=320),
        Layer(name="pool1", kind="max pool 2x2", tensorflow_shape=(13, 13, 32), pytorch_shape=(32, 13, 13), parameters=0),
        Layer(name="conv2", kind="convolution 3x3, ReLU", tensorflow_shape=(11, 11, 64), pytorch_shape=(64, 11, 11), parameters=18_496),
        Layer(name="pool2", kind="max pool 2x2", tensorflow_shape=(5, 5, 64), pytorch_shape=(64, 5, 5), parameters=0),
        Layer(name="flatten", kind="flatten", tensorflow_shape=(1600,), pytorch_shape=(1600,), parameters=0),
        Layer(name="dense1", kind="dense, ReLU", tensorflow_shape=(128,), pytorch_shape=(128,), parameters=204_928),
        Layer(name="dense2", kind="dense, logits", tensorflow_shape=(10,), pytorch_shape=(10,), parameters=1_290),
    ),
    sections=(
        Section(title="Data", functions=("data", "batch"),
                note="The whole set lies in memory on the device, and the batches of a block are taken from it before its clock "
                     "starts: the input pipeline is not what is timed (except in Keras fit, which fetches its own). Keras keeps "
                     "channels last (N, H, W, C), PyTorch channels first (N, C, H, W). Both read the same order of samples."),
        Section(title="Model", functions=("model", "MnistCnn"),
                note="Both end in logits. Initial weights are drawn once and ported to both: Keras would start from Glorot "
                     "uniform and zero biases, PyTorch from Kaiming uniform and random biases."),
        sections.LOSS,
        sections.ADAM,
        sections.TRAINING_STEP,
        sections.EVALUATION,
    ),
)  # fmt: skip


def samples(sizes: Sizes) -> tuple[Samples, Samples]:
    return load_mnist()


def flops(sizes: Sizes) -> Flops:
    """Of one image."""
    first = counting.convolution(kernel=(3, 3), inputs=1, outputs=32, height=26, width=26)
    second = counting.convolution(kernel=(3, 3), inputs=32, outputs=64, height=11, width=11)
    return counting.total(first, [second, counting.dense(1600, 128), counting.dense(128, 10)])
