"""Common mistakes, and advice for better results."""

from core.model.claim import Claim

PRACTICE = (
    Claim(
        id="seeds",
        says="Setting the seeds makes results reproducible.",
        known="Necessary, not sufficient: some operators are not deterministic unless asked to be, and nothing is promised across versions and "
              "platforms.",
        source="docs.pytorch.org/docs/stable/notes/randomness.html; TensorFlow's tf.config.experimental.enable_op_determinism",
        as_of="2026-11-24",
        experiment="Three runs of one seed, compared bit by bit; then with the determinism switches, and what those cost.",
        estimate_s=150,
    ),
    Claim(
        id="paths",
        says="Hard-coded paths break across systems; use os.path.join or pathlib.",
        known="Sound advice, and a habit rather than a measurement.",
        source="docs.python.org/3/library/pathlib.html",
        as_of="2026-11-24",
        experiment="None: there is nothing to measure.",
        measurable=False,
    ),
    Claim(
        id="fit-hides",
        says="Keras fit hides gradient bugs; use a custom train_step for research.",
        known="An opinion; a train_step of one's own runs inside fit and sees every gradient.",
        source="keras.io/guides/custom_train_step_in_tensorflow",
        as_of="2026-11-24",
        experiment="fit against fit with a train_step of one's own: speed, and gradient norms per layer next to PyTorch's.",
        estimate_s=120,
    ),
    Claim(
        id="export",
        says="Export a SavedModel and a TorchScript file early, to catch problems before deployment.",
        known="TorchScript is deprecated in favour of torch.export; Keras 3 exports a SavedModel by model.export.",
        source="docs.pytorch.org/docs/stable/jit_language_reference.html (warning); keras.io/api/models/model_saving_apis/export",
        as_of="2026-11-24",
        experiment="SavedModel, torch.export, TorchScript and ONNX there and back: size, time to load, largest difference of the output.",
        estimate_s=180,
    ),
    Claim(
        id="amp",
        says="On an RTX 3080 mixed precision cuts memory by about 30 % and is 1.2 to 1.4 times as fast.",
        known="It depends on the card and the network: ResNet-50 in PyTorch gained 3.26 times on one V100, and a toy network gains nothing.",
        source="github.com/NVIDIA/DeepLearningExamples, PyTorch ResNet-50 v1.5 (367 img/s FP32, 1,200 img/s mixed)",
        as_of="2026-11-24",
        experiment="FP32 against bf16 (on a GPU fp16 and TF32 too) in both frameworks: step time and peak memory.",
        estimate_s=260,
    ),
    Claim(
        id="amp-api",
        says="tf.keras.mixed_precision.set_global_policy('mixed_float16') or torch.cuda.amp.autocast: one line turns it on.",
        known="torch.cuda.amp.autocast is deprecated in favour of torch.amp.autocast('cuda'); in Keras the softmax must stay in float32.",
        source="docs.pytorch.org, torch/cuda/amp/autocast_mode.py (FutureWarning); tensorflow.org/guide/mixed_precision",
        as_of="2026-11-24",
        experiment="Type of each layer's output, infinities and NaNs over fifty steps, and the warnings that the calls give.",
        estimate_s=60,
    ),
    Claim(
        id="loader",
        says="Raising DataLoader workers from 0 to 4 cut epoch time by 40 %; use prefetch_to_device in TensorFlow.",
        known="It depends on what a sample costs: with MNIST in memory on two cores, workers made it 3.3 times slower.",
        source="measured by this project on a 2-core CPU with torch 2.13",
        as_of="2026-11-23",
        experiment="Epochs with 0, 1, 2 and 4 workers, from memory and decoding PNG; tf.data without and with parallel calls and prefetch.",
        estimate_s=720,
    ),
)  # fmt: skip
