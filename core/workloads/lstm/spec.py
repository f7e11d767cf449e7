"""The LSTM, in numbers that hold for both sides."""

from core.workloads import counting, generated
from core.workloads.shared import sections
from core.workloads.spec import Flops, Layer, Samples, Section, Size, Sizes, WorkloadSpec

VOCABULARY = 10_000
EMBEDDING = 64
WIDTH = 128
CLASSES = 2

SPEC = WorkloadSpec(
    name="lstm",
    title="LSTM",
    summary="Text classification: tokens of 10,000 embedded in 64 numbers, an LSTM of 128 units, its last state to dense 2; Adam.",
    data="Generated: 1,024 sequences of random tokens, whose distribution depends on the class. Its accuracy means nothing.",
    generated=True,
    depth="deep",
    batch_size=64,
    small_batch_size=16,
    learning_rate=1e-3,
    train_samples=1_024,
    test_samples=0,
    parameters=739_074,
    layers=(
        Layer(name="embedding", kind="embedding of 10,000 tokens", tensorflow_shape=(100, 64), pytorch_shape=(100, 64), parameters=640_000),
        Layer(name="lstm", kind="LSTM, last state", tensorflow_shape=(128,), pytorch_shape=(128,), parameters=98_816),
        Layer(name="head", kind="dense, logits", tensorflow_shape=(2,), pytorch_shape=(2,), parameters=258),
    ),
    sections=(
        sections.TOKENS,
        Section(title="Model", functions=("model", "LstmClassifier", "LastState"),
                note="Keras has one bias where PyTorch adds two. The second is held at zero and not trained, or their sum would learn "
                     "twice as fast; PyTorch still adds it. Both order the gates input, forget, cell, output. Initial weights are "
                     "ported: Glorot uniform, recurrent kernels orthogonal, the bias of the forget gate one. On a CPU Keras runs a "
                     "loop over time steps, PyTorch one operator; torch.compile leaves that operator as it is. No dropout: random "
                     "masks cannot be matched."),
        sections.LOSS,
        Section(title="Optimizer", functions=("optimizer", "added_up", "matched", "keras_epsilon"),
                note="Adam has two forms; rescaling PyTorch's epsilon at each step makes the two updates the same. TensorFlow's "
                     "gradient of the embedding has a row for every token that was looked up. Keras's own update squares the "
                     "rows of a repeated token one by one and adds the squares; here they are added first, as in PyTorch."),
        sections.TRAINING_STEP,
        sections.EVALUATION,
    ),
    sizes=(Size(name="length", default=100, small=12, low=2, high=4_096, help="Tokens of a sequence."),),
)  # fmt: skip


def samples(sizes: Sizes) -> tuple[Samples, Samples]:
    train = generated.labelled_tokens(SPEC.train_samples, sizes["length"], VOCABULARY, CLASSES)
    return train, Samples(train.inputs[:0], train.labels[:0])


def flops(sizes: Sizes) -> Flops:
    """Of one sequence. Looking up an embedding is no product; the four gates are, of the input and of the state before.

    The state before the first token is zero and needs no gradient, but is multiplied like any other.
    """
    length = sizes["length"]
    of_inputs = counting.dense(EMBEDDING, 4 * WIDTH, rows=length)
    of_states = counting.dense(WIDTH, 4 * WIDTH, rows=length - 1)
    return counting.total(counting.dense(WIDTH, 4 * WIDTH), [of_inputs, of_states, counting.dense(WIDTH, CLASSES)])
