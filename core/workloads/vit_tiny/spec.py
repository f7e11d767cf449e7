"""The vision transformer, in numbers that hold for both sides."""

from core.workloads import counting, generated
from core.workloads.shared import sections
from core.workloads.spec import Flops, Layer, Samples, Section, Size, Sizes, WorkloadSpec

PATCH = 16
WIDTH = 192
HEADS = 3
CLASSES = 1_000

_BLOCKS = tuple(
    Layer(name=f"layers_{index}", kind="LayerNorm before attention of 3 heads and before feed-forward 768",
          tensorflow_shape=(197, 192), pytorch_shape=(197, 192), parameters=444_096)
    for index in range(12)
)  # fmt: skip

SPEC = WorkloadSpec(
    name="vit_tiny",
    title="ViT-Tiny",
    summary="A vision transformer: patches of 16x16, 12 blocks of width 192 with 3 heads, feed-forward 768 with GELU, LayerNorm before "
            "each; the class token to dense 1000; AdamW.",
    data="Generated: 512 random images of 224x224 with a colour field per class. Its accuracy means nothing.",
    generated=True,
    depth="deep",
    batch_size=64,
    small_batch_size=8,
    learning_rate=1e-4,
    train_samples=512,
    test_samples=0,
    parameters=5_708_200,
    layers=(
        Layer(name="patches", kind="convolution 16x16, stride 16", tensorflow_shape=(14, 14, 192), pytorch_shape=(192, 14, 14), parameters=147_648),
        Layer(name="class_token", kind="class token in front", tensorflow_shape=(197, 192), pytorch_shape=(197, 192), parameters=192),
        Layer(name="positions", kind="learned positions", tensorflow_shape=(197, 192), pytorch_shape=(197, 192), parameters=37_824),
        *_BLOCKS,
        Layer(name="norm", kind="LayerNorm", tensorflow_shape=(197, 192), pytorch_shape=(197, 192), parameters=384),
        Layer(name="head", kind="dense of the class token, logits", tensorflow_shape=(1000,), pytorch_shape=(1000,), parameters=193_000),
    ),
    sections=(
        sections.IMAGES,
        Section(title="Model", functions=("model", "VisionTransformer"),
                note="Patches are cut by a convolution whose stride is its size; either layout gives them row by row. Initial weights "
                     "are drawn once and ported. Both take the exact GELU and one epsilon in LayerNorm (Keras 1e-3, PyTorch 1e-5 by "
                     "default). No dropout: random masks cannot be matched."),
        Section(title="Class token", functions=("ClassToken", "Positions"),
                note="A learned token in front of the patches, and a learned vector for each position: neither library has a layer for it."),
        Section(title="Block", functions=("pre_norm_block", "PreNormBlock", "feed_forward", "layer_norm"),
                note="LayerNorm before attention and feed-forward. The sum that ends a block has the block's name in Keras."),
        Section(title="Attention", functions=("self_attention", "SelfAttention"),
                note="Query, key and value are three products in Keras and one packed product in PyTorch, whose kernels are ported part by "
                     "part. No projection has a bias, unlike in the published model: softmax does not see a key's, so its gradient is "
                     "nothing but rounding, which no gate can compare and which Adam would enlarge; Keras's layer has biases on all four "
                     "projections or on none."),
        sections.LOSS,
        Section(title="Optimizer", functions=("optimizer", "matched", "keras_epsilon"),
                note="AdamW with the same decay of every parameter, taken off before the step on both sides. Rescaling PyTorch's epsilon "
                     "at each step makes the two forms of Adam the same."),
        sections.TRAINING_STEP,
        sections.EVALUATION,
    ),
    sizes=(
        Size(name="image_size", default=224, small=32, low=PATCH, high=1_024, help="Height and width of an image in pixels.", multiple=PATCH),
        Size(name="layers", default=12, small=2, low=1, high=48, help="Blocks."),
    ),
)  # fmt: skip


def samples(sizes: Sizes) -> tuple[Samples, Samples]:
    train = generated.images(SPEC.train_samples, sizes["image_size"], CLASSES)
    return train, Samples(train.inputs[:0], train.labels[:0])


def flops(sizes: Sizes) -> Flops:
    """Of one image."""
    side = sizes["image_size"] // PATCH
    length = side * side + 1
    patches = counting.convolution(kernel=(PATCH, PATCH), inputs=3, outputs=WIDTH, height=side, width=side)
    projections = counting.dense(WIDTH, 4 * WIDTH, rows=length)
    feed_forward = 2 * counting.dense(WIDTH, 4 * WIDTH, rows=length)
    blocks = sizes["layers"] * (projections + counting.attention(length, length, WIDTH) + feed_forward)
    return counting.total(patches, [blocks, counting.dense(WIDTH, CLASSES)])
