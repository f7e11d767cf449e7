"""ResNet-18 for small images, in numbers that hold for both sides."""

from core.workloads import counting, generated
from core.workloads.shared import sections
from core.workloads.shared.convolutional import NormedConvolution, block_layers, normed_layers, residual_blocks
from core.workloads.spec import Flops, Layer, Samples, Section, Size, Sizes, WorkloadSpec

CLASSES = 10
STAGES = (2, 2, 2, 2)
"""Blocks of each stage."""


def convolutions(sizes: Sizes) -> tuple[NormedConvolution, ...]:
    """All of them in order: the stem, then block by block."""
    width, size = sizes["width"], sizes["image_size"]
    stem = NormedConvolution(convolution="conv1", norm="bn1", inputs=3, outputs=width, kernel=3, size=size)
    return (stem, *residual_blocks(stages=STAGES, width=width, kernels=(3, 3), expansion=1, inputs=width, size=size))


_STEM, *_BLOCKS = convolutions({"image_size": 32, "width": 64})

SPEC = WorkloadSpec(
    name="resnet18",
    title="ResNet-18",
    summary="A residual network in its form for CIFAR's small images: a 3x3 stem without pooling, 8 blocks of two 3x3 convolutions with "
            "64 to 512 channels, BatchNorm, average pool, dense 10; SGD with momentum.",
    data="Generated: 1,024 random images of 32x32 with a colour field per class. Its accuracy means nothing.",
    generated=True,
    depth="deep",
    batch_size=128,
    small_batch_size=8,
    learning_rate=0.01,
    train_samples=1_024,
    test_samples=0,
    parameters=11_173_962,
    layers=(
        *normed_layers(_STEM, "convolution 3x3"),
        *block_layers(_BLOCKS, "two 3x3 convolutions with BatchNorm beside a shortcut, ReLU"),
        Layer(name="pool", kind="average of the image", tensorflow_shape=(512,), pytorch_shape=(512,), parameters=0),
        Layer(name="fc", kind="dense, logits", tensorflow_shape=(10,), pytorch_shape=(10,), parameters=5_130),
    ),
    sections=(
        sections.IMAGES,
        Section(title="Model", functions=("model", "ResNet18"),
                note="Both end in logits. Initial weights are drawn once and ported: kernels are (H, W, I, O) in Keras and (O, I, H, W) "
                     "in PyTorch. BatchNorms start with a shift of 2, where few values lie near a ReLU's zero and rounding stays "
                     "small. The average over the image leaves no order of channels to permute."),
        Section(title="Block", functions=("basic_block", "BasicBlock"),
                note="Two convolutions beside a shortcut. The ReLU that ends a block has the block's name in Keras."),
        sections.CONVOLUTION_AND_BATCH_NORM,
        sections.LOSS,
        sections.SGD,
        sections.TRAINING_STEP,
        sections.EVALUATION,
    ),
    sizes=(
        Size(name="image_size", default=32, small=16, low=8, high=512, help="Height and width of an image in pixels.", multiple=8),
        Size(name="width", default=64, small=16, low=8, high=512, help="Channels of the first stage; each stage has twice those before.", multiple=8),
    ),
)  # fmt: skip


def samples(sizes: Sizes) -> tuple[Samples, Samples]:
    train = generated.images(SPEC.train_samples, sizes["image_size"], CLASSES)
    return train, Samples(train.inputs[:0], train.labels[:0])


def flops(sizes: Sizes) -> Flops:
    """Of one image."""
    stem, *others = convolutions(sizes)
    return counting.total(stem.flops(), [*(part.flops() for part in others), counting.dense(8 * sizes["width"], CLASSES)])
