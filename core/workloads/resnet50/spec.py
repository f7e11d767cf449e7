"""ResNet-50, in numbers that hold for both sides."""

from core.workloads import counting, generated
from core.workloads.shared import sections
from core.workloads.shared.convolutional import NormedConvolution, block_layers, halved, image_layer, normed_layers, residual_blocks
from core.workloads.spec import Flops, Layer, Samples, Section, Size, Sizes, WorkloadSpec

CLASSES = 1_000
STAGES = (3, 4, 6, 3)
"""Blocks of each stage."""
EXPANSION = 4
"""A block gives so many times the channels that its 3x3 convolution has."""


def convolutions(sizes: Sizes) -> tuple[NormedConvolution, ...]:
    """All of them in order: the stem, then block by block."""
    width, size = sizes["width"], halved(sizes["image_size"])
    stem = NormedConvolution(convolution="conv1", norm="bn1", inputs=3, outputs=width, kernel=7, size=size)
    blocks = residual_blocks(stages=STAGES, width=width, kernels=(1, 3, 1), expansion=EXPANSION, inputs=width, size=halved(size))
    return (stem, *blocks)


_STEM, *_BLOCKS = convolutions({"image_size": 224, "width": 64})

SPEC = WorkloadSpec(
    name="resnet50",
    title="ResNet-50",
    summary="A residual network for images of 224x224, version 1.5: a 7x7 stem, 16 blocks of 1x1, 3x3 and 1x1 convolutions with up to "
            "2,048 channels, BatchNorm, average pool, dense 1000; SGD with momentum.",
    data="Generated: 256 random images of 224x224 with a colour field per class. Its accuracy means nothing.",
    generated=True,
    depth="deep",
    batch_size=64,
    small_batch_size=8,
    learning_rate=1e-3,
    train_samples=256,
    test_samples=0,
    parameters=25_557_032,
    layers=(
        *normed_layers(_STEM, "convolution 7x7, stride 2"),
        image_layer("maxpool", "max pool 3x3, stride 2", 56, 64),
        *block_layers(_BLOCKS, "1x1, 3x3 and 1x1 convolutions with BatchNorm beside a shortcut, ReLU"),
        Layer(name="pool", kind="average of the image", tensorflow_shape=(2048,), pytorch_shape=(2048,), parameters=0),
        Layer(name="fc", kind="dense, logits", tensorflow_shape=(1000,), pytorch_shape=(1000,), parameters=2_049_000),
    ),
    sections=(
        sections.IMAGES,
        Section(title="Model", functions=("model", "ResNet50"),
                note="Both end in logits. Initial weights are drawn once and ported: kernels are (H, W, I, O) in Keras and (O, I, H, W) "
                     "in PyTorch. BatchNorms start with a shift of 2, where few values lie near a ReLU's zero and rounding stays "
                     "small. The max pool's padding is zero in Keras and minus infinity in PyTorch: after a ReLU the maximum is the "
                     "same, and the gradient of a maximum of zero ends at the ReLU on both sides."),
        Section(title="Block", functions=("bottleneck", "Bottleneck"),
                note="The stride is in the 3x3 convolution (version 1.5), not in the first 1x1 as published. The ReLU that ends a "
                     "block has the block's name in Keras."),
        Section(title="Convolution and BatchNorm", functions=("convolution", "pad", "batch_norm"),
                note="At stride 2, Keras's own padding puts fewer zeros on one side, PyTorch's as many on both: here Keras pads in a layer "
                     "of its own. One epsilon for BatchNorm (Keras 1e-3, PyTorch 1e-5 by default), and PyTorch's momentum is one minus "
                     "Keras's. Keras remembers the batch's biased variance, PyTorch the unbiased one: the proof converts it."),
        sections.LOSS,
        sections.SGD,
        sections.TRAINING_STEP,
        sections.EVALUATION,
    ),
    sizes=(
        Size(name="image_size", default=224, small=64, low=32, high=1_024, help="Height and width of an image in pixels.", multiple=32),
        Size(name="width", default=64, small=16, low=8, high=256, help="Channels of the first stage; each stage has twice those before.", multiple=8),
    ),
    library="keras.applications.ResNet50 is version 1: its stride is in the first 1x1 convolution, its convolutions have biases (26,560 "
            "parameters more), BatchNorm has epsilon 1.001e-5 and keeps 0.99. torchvision's resnet50 is version 1.5, as this one, and "
            "about 5 % more work than version 1. Both have the default width, whatever is chosen.",
)  # fmt: skip


def samples(sizes: Sizes) -> tuple[Samples, Samples]:
    train = generated.images(SPEC.train_samples, sizes["image_size"], CLASSES)
    return train, Samples(train.inputs[:0], train.labels[:0])


def flops(sizes: Sizes) -> Flops:
    """Of one image."""
    stem, *others = convolutions(sizes)
    head = counting.dense(EXPANSION * 8 * sizes["width"], CLASSES)
    return counting.total(stem.flops(), [*(part.flops() for part in others), head])
