"""The MLP, in numbers that hold for both sides."""

from core.workloads import counting
from core.workloads.mnist import load_mnist
from core.workloads.shared import sections
from core.workloads.spec import Flops, Layer, Samples, Section, Size, Sizes, WorkloadSpec

INPUTS = 28 * 28
CLASSES = 10

SPEC = WorkloadSpec(
    name="mlp",
    title="MLP",
    summary="MNIST by dense layers alone: 784 to 512 to 512 to 10, with ReLU; Adam.",
    data="MNIST: 60,000 training and 10,000 test images of 28x28, shipped with the project (LeCun, Cortes, Burges; CC BY-SA 3.0).",
    depth="shallow",
    batch_size=128,
    small_batch_size=32,
    learning_rate=1e-3,
    train_samples=60_000,
    test_samples=10_000,
    parameters=669_706,
    layers=(
        Layer(name="flatten", kind="flatten", tensorflow_shape=(784,), pytorch_shape=(784,), parameters=0),
        Layer(name="dense1", kind="dense, ReLU", tensorflow_shape=(512,), pytorch_shape=(512,), parameters=401_920),
        Layer(name="dense2", kind="dense, ReLU", tensorflow_shape=(512,), pytorch_shape=(512,), parameters=262_656),
        Layer(name="dense3", kind="dense, logits", tensorflow_shape=(10,), pytorch_shape=(10,), parameters=5_130),
    ),
    sections=(
        Section(title="Data", functions=("data", "batch"),
                note="The whole set lies in memory on the device, and the batches of a block are taken from it before its clock "
                     "starts. With one channel, both layouts flatten to the same 784 numbers."),
        Section(title="Model", functions=("model", "Mlp"),
                note="Both end in logits. Initial weights are drawn once and ported to both: Keras would start from Glorot "
                     "uniform and zero biases, PyTorch from Kaiming uniform and random biases. A dense kernel is (inputs, outputs) in "
                     "Keras and (outputs, inputs) in PyTorch."),
        sections.LOSS,
        sections.ADAM,
        sections.TRAINING_STEP,
        sections.EVALUATION,
    ),
    sizes=(Size(name="width", default=512, small=64, low=8, high=8_192, help="Units of each of the two hidden layers.", multiple=8),),
)  # fmt: skip


def samples(sizes: Sizes) -> tuple[Samples, Samples]:
    return load_mnist()


def flops(sizes: Sizes) -> Flops:
    """Of one image."""
    width = sizes["width"]
    return counting.total(counting.dense(INPUTS, width), [counting.dense(width, width), counting.dense(width, CLASSES)])
