"""What the pair computes, in words and numbers that hold for both frameworks. No framework is imported here.

To make it yours: replace the model in tensorflow.py and pytorch.py, then the rows of weights.py, then the numbers below.
`python -m core compare` on this folder says which tensor or layer differs for as long as something does.
"""

from core.workloads import counting, generated
from core.workloads.spec import Flops, Layer, Samples, Section, Size, Sizes, WorkloadSpec

# Numbers that more than one file needs have one place: the others import them from here.
IMAGE_SIZE = 16
FILTERS = 16
CLASSES = 10

SPEC = WorkloadSpec(
    name="template",
    title="Template",
    # What a reader of the result must know to judge it.
    summary="A 3x3 convolution with 16 filters and ReLU, a 2x2 max pool, dense 64 with ReLU, dense 10; Adam.",
    data="Generated: 1,024 images of 16x16 in random colours that depend on the class. Its accuracy means nothing.",
    # False once `samples` gives real data: then accuracy is measured and compared too.
    generated=True,
    # "deep" allows rounding to add up: for more than about ten layers, and for anything recurrent.
    depth="shallow",
    batch_size=64,
    small_batch_size=16,
    learning_rate=1e-3,
    # As many as `samples` gives.
    train_samples=1_024,
    test_samples=0,
    # Trainable ones of the whole model, and below of each layer, at the default sizes.
    parameters=66_698,
    # For the Models page. The name is that of the Keras layer and of the PyTorch attribute: layers of one name are compared with
    # each other when parity fails, so that you are told which one differs. Shapes are without the batch.
    layers=(
        Layer(name="conv", kind="convolution 3x3, ReLU", tensorflow_shape=(16, 16, 16), pytorch_shape=(16, 16, 16), parameters=448),
        Layer(name="pool", kind="max pool 2x2", tensorflow_shape=(8, 8, 16), pytorch_shape=(16, 8, 8), parameters=0),
        Layer(name="flatten", kind="flatten", tensorflow_shape=(1024,), pytorch_shape=(1024,), parameters=0),
        Layer(name="dense", kind="dense, ReLU", tensorflow_shape=(64,), pytorch_shape=(64,), parameters=65_600),
        Layer(name="head", kind="dense, logits", tensorflow_shape=(10,), pytorch_shape=(10,), parameters=650),
    ),
    # For the Models page: functions and classes shown side by side, and what differs there and how it is equalised.
    sections=(
        Section(title="Data", functions=("data", "batch"),
                note="The whole set lies in memory on the device. Keras keeps channels last (N, H, W, C), PyTorch channels first."),
        Section(title="Model", functions=("model", "Network"),
                note="Both end in logits. Initial weights are drawn once and ported to both."),
        Section(title="Loss", functions=("loss",),
                note="Softmax and cross-entropy in one operation from the logits, averaged over the batch."),
        Section(title="Optimizer", functions=("optimizer", "keras_epsilon"),
                note="Rescaling PyTorch's epsilon at each step makes its form of Adam the one of Keras."),
        Section(title="Training step", functions=("train_step",),
                note="Neither side reads the loss here, so neither waits for the device."),
    ),
    # What can be chosen with --size NAME=NUMBER; leave it out if there is nothing to choose.
    sizes=(Size(name="width", default=64, small=16, low=8, high=4_096, help="Units of the hidden dense layer."),),
)  # fmt: skip


def samples(sizes: Sizes) -> tuple[Samples, Samples]:
    """Training and test samples as NumPy arrays: inputs float32 (int64 for tokens), images channels last; labels int64.

    For data of your own, load it here, e.g. with `numpy.load` from a file beside this one: `Path(__file__).parent / "data.npz"`.
    """
    train = generated.images(SPEC.train_samples, IMAGE_SIZE, CLASSES)
    return train, Samples(train.inputs[:0], train.labels[:0])


def flops(sizes: Sizes) -> Flops:
    """Of one sample, products and convolutions only. It may be left out: then no page speaks of operations per second."""
    first = counting.convolution(kernel=(3, 3), inputs=3, outputs=FILTERS, height=IMAGE_SIZE, width=IMAGE_SIZE)
    flattened = (IMAGE_SIZE // 2) ** 2 * FILTERS
    return counting.total(first, [counting.dense(flattened, sizes["width"]), counting.dense(sizes["width"], CLASSES)])
