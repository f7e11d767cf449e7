"""The transformer encoder, in numbers that hold for both sides."""

from core.workloads import counting, generated
from core.workloads.shared import sections
from core.workloads.spec import Flops, Layer, Samples, Section, Size, Sizes, WorkloadSpec

CLASSES = 4
HEAD_WIDTH = 64

_BLOCKS = tuple(
    Layer(name=f"layers_{index}", kind="attention of 4 heads, feed-forward 1024, LayerNorm after each",
          tensorflow_shape=(128, 256), pytorch_shape=(128, 256), parameters=788_736)
    for index in range(4)
)  # fmt: skip

SPEC = WorkloadSpec(
    name="transformer_encoder",
    title="Transformer encoder",
    summary="The shape of BERT-mini: 4 blocks of width 256 with 4 heads, feed-forward 1024 with GELU, LayerNorm after each; the first "
            "token to dense 4; AdamW.",
    data="Generated: 1,024 sequences of random tokens, whose distribution depends on the class. Its accuracy means nothing.",
    generated=True,
    depth="deep",
    batch_size=32,
    small_batch_size=8,
    learning_rate=1e-4,
    train_samples=1_024,
    test_samples=0,
    parameters=5_352_196,
    layers=(
        Layer(name="embedding", kind="embedding of 8,192 tokens", tensorflow_shape=(128, 256), pytorch_shape=(128, 256), parameters=2_097_152),
        Layer(name="positions", kind="learned positions", tensorflow_shape=(128, 256), pytorch_shape=(128, 256), parameters=32_768),
        Layer(name="norm", kind="LayerNorm", tensorflow_shape=(128, 256), pytorch_shape=(128, 256), parameters=512),
        *_BLOCKS,
        Layer(name="pooler", kind="dense of the first token, tanh", tensorflow_shape=(256,), pytorch_shape=(256,), parameters=65_792),
        Layer(name="head", kind="dense, logits", tensorflow_shape=(4,), pytorch_shape=(4,), parameters=1_028),
    ),
    sections=(
        Section(title="Data", functions=("data", "batch"),
                note="The whole set lies in memory on the device, as int64 on both sides; the batches of a block are taken from it "
                     "before its clock starts. All sequences are of one length, so there is no padding to mask."),
        Section(title="Model", functions=("model", "Encoder"),
                note="Initial weights are drawn once and ported: Glorot uniform, embeddings normal with deviation 0.02. Both take the "
                     "exact GELU and one epsilon in LayerNorm (Keras 1e-3, PyTorch 1e-5 by default). No dropout: random masks cannot be "
                     "matched. No token types and no masked language model: what is timed is the encoder."),
        Section(title="Block", functions=("block", "Block", "feed_forward", "layer_norm"),
                note="LayerNorm after each sum, as in BERT. The last layer of a block has the block's name in Keras."),
        Section(title="Attention", functions=("self_attention", "SelfAttention"),
                note="Query, key and value are three products in Keras and one packed product in PyTorch, whose kernels are ported part by "
                     "part. No projection has a bias: softmax does not see a key's, so its gradient is nothing but rounding, which no "
                     "gate can compare and which Adam would enlarge; Keras's layer has biases on all four projections or on none."),
        sections.LOSS,
        sections.ADAMW_OF_EMBEDDINGS,
        sections.TRAINING_STEP,
        sections.EVALUATION,
    ),
    sizes=(
        Size(name="length", default=128, small=16, low=2, high=4_096, help="Tokens of a sequence."),
        Size(name="layers", default=4, small=2, low=1, high=48, help="Blocks."),
        Size(name="width", default=256, small=64, low=64, high=2_048, help="Features of a token; a head of attention has 64 of them.",
             multiple=HEAD_WIDTH),
        Size(name="vocabulary", default=8_192, small=512, low=64, high=131_072, help="Tokens that there are."),
    ),
)  # fmt: skip


def samples(sizes: Sizes) -> tuple[Samples, Samples]:
    train = generated.labelled_tokens(SPEC.train_samples, sizes["length"], sizes["vocabulary"], CLASSES)
    return train, Samples(train.inputs[:0], train.labels[:0])


def flops(sizes: Sizes) -> Flops:
    """Of one sequence. Looking up an embedding is no product, so the first one is of a layer whose input needs its gradient."""
    length, width = sizes["length"], sizes["width"]
    projections = counting.dense(width, 4 * width, rows=length)
    feed_forward = 2 * counting.dense(width, 4 * width, rows=length)
    blocks = sizes["layers"] * (projections + counting.attention(length, length, width) + feed_forward)
    return counting.total(blocks, [counting.dense(width, width), counting.dense(width, CLASSES)], first_needs_input_gradient=True)
