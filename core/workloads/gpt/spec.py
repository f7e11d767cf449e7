"""The decoder, in numbers that hold for both sides."""

from core.workloads import counting, generated
from core.workloads.shared import sections
from core.workloads.spec import Flops, Layer, Samples, Section, Size, Sizes, WorkloadSpec

HEAD_WIDTH = 64

_BLOCKS = tuple(
    Layer(name=f"layers_{index}", kind="LayerNorm before causal attention of 6 heads and before feed-forward 1536",
          tensorflow_shape=(256, 384), pytorch_shape=(256, 384), parameters=1_772_928)
    for index in range(6)
)  # fmt: skip

SPEC = WorkloadSpec(
    name="gpt",
    title="GPT",
    summary="A small decoder: 6 blocks of width 384 with 6 heads of causal attention over 256 tokens, feed-forward 1536 with GELU, "
            "LayerNorm before each; the next token of 1,024 at every position; AdamW.",
    data="Generated: 1,024 random walks over the vocabulary; the label of a token is the one that follows. Its accuracy means nothing.",
    generated=True,
    depth="deep",
    batch_size=64,
    small_batch_size=8,
    learning_rate=1e-4,
    train_samples=1_024,
    test_samples=0,
    parameters=11_524_096,
    layers=(
        Layer(name="embedding", kind="embedding of 1,024 tokens", tensorflow_shape=(256, 384), pytorch_shape=(256, 384), parameters=393_216),
        Layer(name="positions", kind="learned positions", tensorflow_shape=(256, 384), pytorch_shape=(256, 384), parameters=98_304),
        *_BLOCKS,
        Layer(name="norm", kind="LayerNorm", tensorflow_shape=(256, 384), pytorch_shape=(256, 384), parameters=768),
        Layer(name="head", kind="dense, logits", tensorflow_shape=(256, 1024), pytorch_shape=(256, 1024), parameters=394_240),
    ),
    sections=(
        sections.TOKENS,
        Section(title="Model", functions=("model", "Gpt"),
                note="Initial weights are drawn once and ported: Glorot uniform, embeddings normal with deviation 0.02. Both take the "
                     "exact GELU and one epsilon in LayerNorm (Keras 1e-3, PyTorch 1e-5 by default). The last layer has weights of its "
                     "own, not the embedding's. No dropout: random masks cannot be matched."),
        Section(title="Block", functions=("pre_norm_block", "PreNormBlock", "feed_forward", "layer_norm"),
                note="LayerNorm before attention and feed-forward, as in GPT-2. The sum that ends a block has the block's name in Keras."),
        Section(title="Attention", functions=("self_attention", "SelfAttention"),
                note="Query, key and value are three products in Keras and one packed product in PyTorch, whose kernels are ported part by "
                     "part. No projection has a bias: softmax does not see a key's, so its gradient is nothing but rounding. Keras computes "
                     "every score and masks those of the future; PyTorch's fused kernel may leave blocks of them out."),
        Section(title="Loss", functions=("loss", "SequenceLoss"),
                note="Softmax and cross-entropy in one operation from the logits, averaged over all positions of all sequences."),
        sections.ADAMW_OF_EMBEDDINGS,
        sections.TRAINING_STEP,
        Section(title="Evaluation", functions=("evaluate_batch",),
                note="Every position is an answer; loss and number of correct ones are summed on the device."),
    ),
    sizes=(
        Size(name="length", default=256, small=16, low=2, high=4_096, help="Tokens of a sequence, all of which see those before them."),
        Size(name="layers", default=6, small=2, low=1, high=48, help="Blocks."),
        Size(name="width", default=384, small=64, low=64, high=2_048, help="Features of a token; a head of attention has 64 of them.",
             multiple=HEAD_WIDTH),
        Size(name="vocabulary", default=1_024, small=512, low=64, high=131_072, help="Tokens that there are."),
    ),
)  # fmt: skip


def samples(sizes: Sizes) -> tuple[Samples, Samples]:
    train = generated.text(SPEC.train_samples, sizes["length"], sizes["vocabulary"])
    return train, Samples(train.inputs[:0], train.labels[:0])


def flops(sizes: Sizes) -> Flops:
    """Of one sequence, every score of the attention counted, those of the future too.

    Looking up an embedding is no product, so the first one is of a layer whose input needs its gradient.
    """
    length, width = sizes["length"], sizes["width"]
    projections = counting.dense(width, 4 * width, rows=length)
    feed_forward = 2 * counting.dense(width, 4 * width, rows=length)
    blocks = sizes["layers"] * (projections + counting.attention(length, length, width) + feed_forward)
    return counting.total(blocks, [counting.dense(width, sizes["vocabulary"], rows=length)], first_needs_input_gradient=True)
