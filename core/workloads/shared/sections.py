"""Sections of the two programs that are the same in several workloads, with what differs there between the frameworks."""

from core.workloads.spec import Section

IMAGES = Section(
    title="Data",
    functions=("data", "batch"),
    note="The whole set lies in memory on the device, and the batches of a block are taken from it before its clock starts. Keras keeps "
    "channels last (N, H, W, C), PyTorch channels first (N, C, H, W).",
)
TOKENS = Section(
    title="Data",
    functions=("data", "batch"),
    note="The whole set lies in memory on the device, as int64 on both sides; the batches of a block are taken from it before its clock starts.",
)
CONVOLUTION_AND_BATCH_NORM = Section(
    title="Convolution and BatchNorm",
    functions=("convolution", "pad", "batch_norm"),
    note="At stride 2, Keras's own padding puts zeros on one side only, PyTorch's on both: here Keras pads in a layer of its own. One epsilon "
    "for BatchNorm (Keras 1e-3, PyTorch 1e-5 by default), and PyTorch's momentum is one minus Keras's. Keras remembers the batch's biased "
    "variance, PyTorch the unbiased one: the proof converts it.",
)
LOSS = Section(
    title="Loss",
    functions=("loss",),
    note="Softmax and cross-entropy in one operation from the logits, averaged over the batch.",
)
SGD = Section(
    title="Optimizer",
    functions=("optimizer",),
    note="SGD with momentum. Keras multiplies by the rate before it adds up, PyTorch after: the same while the rate is constant.",
)
ADAM = Section(
    title="Optimizer",
    functions=("optimizer", "keras_epsilon"),
    note="Adam has two forms. Keras adds epsilon after the bias correction is folded into the rate (epsilon-hat), PyTorch before. Rescaling "
    "PyTorch's epsilon at each step makes the two updates the same.",
)
ADAMW_OF_EMBEDDINGS = Section(
    title="Optimizer",
    functions=("optimizer", "added_up", "matched", "keras_epsilon"),
    note="AdamW with the same decay of every parameter, taken off before the step on both sides. Rescaling PyTorch's epsilon at each step "
    "makes the two forms of Adam the same. TensorFlow's gradient of the embedding has a row for every token that was looked up. Keras's own "
    "update squares the rows of a repeated token one by one and adds the squares; here they are added first, as in PyTorch.",
)
TRAINING_STEP = Section(
    title="Training step",
    functions=("train_step",),
    note="TensorFlow records on a tape and returns gradients; PyTorch writes them into the parameters, which must be cleared first. Neither "
    "reads the loss here, so neither waits for the device.",
)
EVALUATION = Section(
    title="Evaluation",
    functions=("evaluate_batch",),
    note="Same batches, same order, loss and number of correct answers summed on the device.",
)
