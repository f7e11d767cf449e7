"""MobileNetV2, in numbers that hold for both sides; shapes as torchvision has them."""

from dataclasses import dataclass

from core.workloads import counting, generated
from core.workloads.shared import sections
from core.workloads.shared.convolutional import NormedConvolution, block_layers, halved, normed_layers
from core.workloads.spec import Flops, Layer, Samples, Section, Size, Sizes, WorkloadSpec

CLASSES = 1_000
#: Expansion, channels, blocks and first stride of each stage (Sandler et al., 2018, table 2).
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


@dataclass(frozen=True, kw_only=True)
class Block:
    """Channels of one inverted residual, and the stride of its depthwise convolution."""

    inputs: int
    hidden: int
    outputs: int
    stride: int

    @property
    def expands(self) -> bool:
        """Is there a 1x1 convolution in front? The first block has none."""
        return self.hidden != self.inputs

    @property
    def is_residual(self) -> bool:
        return self.stride == 1 and self.inputs == self.outputs


def blocks(width_percent: int) -> tuple[Block, ...]:
    found: list[Block] = []
    inputs = stem_channels(width_percent)
    for expansion, channels, count, first_stride in _STAGES:
        outputs = _rounded(channels * width_percent / 100)
        for index in range(count):
            stride = first_stride if index == 0 else 1
            found.append(Block(inputs=inputs, hidden=inputs * expansion, outputs=outputs, stride=stride))
            inputs = outputs
    return tuple(found)


def stem_channels(width_percent: int) -> int:
    return _rounded(32 * width_percent / 100)


def last_channels(width_percent: int) -> int:
    """In front of the dense layer: never fewer than 1,280."""
    return _rounded(1_280 * max(width_percent, 100) / 100)


def _rounded(channels: float) -> int:
    """To a multiple of 8, without going down by more than 10 % (torchvision's `_make_divisible`)."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def convolutions(sizes: Sizes) -> tuple[NormedConvolution, ...]:
    """All of them in order: the stem, block by block, the last."""
    percent, size = sizes["width_percent"], halved(sizes["image_size"])
    parts = [NormedConvolution(convolution="stem", norm="norm1", inputs=3, outputs=stem_channels(percent), kernel=3, size=size)]
    for index, block in enumerate(blocks(percent)):
        path = f"blocks.{index}"
        if block.expands:
            parts.append(NormedConvolution(convolution=f"{path}.expand", norm=f"{path}.norm1", inputs=block.inputs,
                                           outputs=block.hidden, kernel=1, size=size))  # fmt: skip
        size = halved(size) if block.stride > 1 else size
        parts.append(NormedConvolution(convolution=f"{path}.depthwise", norm=f"{path}.norm2", inputs=block.hidden,
                                       outputs=block.hidden, kernel=3, size=size, depthwise=True))  # fmt: skip
        parts.append(NormedConvolution(convolution=f"{path}.project", norm=f"{path}.norm3", inputs=block.hidden,
                                       outputs=block.outputs, kernel=1, size=size, shifted=False,
                                       norm_layer="" if block.is_residual else f"blocks_{index}"))  # fmt: skip
    last = last_channels(percent)
    parts.append(NormedConvolution(convolution="last", norm="norm2", inputs=blocks(percent)[-1].outputs, outputs=last, kernel=1, size=size))
    return tuple(parts)


_STEM, *_BLOCKS, _LAST = convolutions({"image_size": 224, "width_percent": 100})

SPEC = WorkloadSpec(
    name="mobilenet_v2",
    title="MobileNetV2",
    summary="Inverted residuals for images of 224x224: 17 blocks of 1x1, depthwise 3x3 and 1x1 convolutions with BatchNorm and ReLU6, "
            "average pool, dense 1000; SGD with momentum.",
    data="Generated: 256 random images of 224x224 with a colour field per class. Its accuracy means nothing.",
    generated=True,
    depth="deep",
    batch_size=64,
    small_batch_size=8,
    learning_rate=1e-3,
    train_samples=256,
    test_samples=0,
    parameters=3_503_368,
    layers=(
        *normed_layers(_STEM, "convolution 3x3, stride 2"),
        *block_layers(_BLOCKS, "1x1, depthwise 3x3 and 1x1 convolutions with BatchNorm"),
        *normed_layers(_LAST, "convolution 1x1"),
        Layer(name="pool", kind="average of the image", tensorflow_shape=(1280,), pytorch_shape=(1280,), parameters=0),
        Layer(name="fc", kind="dense, logits", tensorflow_shape=(1000,), pytorch_shape=(1000,), parameters=1_281_000),
    ),
    sections=(
        sections.IMAGES,
        Section(title="Model", functions=("model", "MobileNetV2", "relu6"),
                note="Both end in logits. Initial weights are drawn once and ported: kernels are (H, W, I, O) in Keras and (O, I, H, W) "
                     "in PyTorch. BatchNorms start with a shift of 2, where few values lie near a ReLU's zero and rounding stays "
                     "small. No dropout before the dense layer: random masks cannot be matched."),
        Section(title="Block", functions=("inverted_residual", "InvertedResidual", "depthwise", "scale_norm"),
                note="A depthwise kernel is (3, 3, C, 1) in Keras and (C, 1, 3, 3) in PyTorch. The BatchNorm that ends a block has no shift, "
                     "unlike in the published model: only 1x1 convolutions with BatchNorm follow, which take it away, so that its "
                     "gradient is nothing but rounding, which no gate can compare. The layer that ends a block has the block's name in "
                     "Keras."),
        sections.CONVOLUTION_AND_BATCH_NORM,
        sections.LOSS,
        sections.SGD,
        sections.TRAINING_STEP,
        sections.EVALUATION,
    ),
    sizes=(
        Size(name="image_size", default=224, small=64, low=32, high=1_024, help="Height and width of an image in pixels.", multiple=32),
        Size(name="width_percent", default=100, small=35, low=10, high=200, help="Channels, in percent of the published ones.", multiple=5),
    ),
    library="keras.applications.MobileNetV2 pads one side at stride 2, and its BatchNorm has epsilon 1e-3 and keeps 0.999; torchvision's "
            "mobilenet_v2 drops out a fifth of the features before the dense layer. Both have a shift of 1,504 channels that this one "
            "leaves out, because it has no effect.",
)  # fmt: skip


def samples(sizes: Sizes) -> tuple[Samples, Samples]:
    train = generated.images(SPEC.train_samples, sizes["image_size"], CLASSES)
    return train, Samples(train.inputs[:0], train.labels[:0])


def flops(sizes: Sizes) -> Flops:
    """Of one image."""
    stem, *others = convolutions(sizes)
    head = counting.dense(last_channels(sizes["width_percent"]), CLASSES)
    return counting.total(stem.flops(), [*(part.flops() for part in others), head])
