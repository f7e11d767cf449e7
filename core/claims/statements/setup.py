"""Setting up: which versions go together, and what tells that they do."""

from core.model.claim import Claim

SETUP = (
    Claim(
        id="setup-one-env",
        says="One conda environment keeps TensorFlow 2.13 and PyTorch 2.2 from stepping on each other's libraries.",
        known="The two cannot be in one environment: tensorflow 2.13.1 requires typing-extensions below 4.6, torch 2.2.2 requires 4.8 or later. "
              "Today's versions install together, but crash when both work in one process.",
        source="metadata of the two wheels on pypi.org (Requires-Dist); the crash measured by this project with tensorflow 2.21.0 and torch 2.14.1",
        as_of="2026-11-24",
        experiment="Let pip resolve the article's two requirements together; then train with both frameworks in one process.",
        estimate_s=60,
    ),
    Claim(
        id="setup-cudnn",
        says="pip install tensorflow==2.13.* includes cuDNN 8.9 and CUDA 11.8.",
        known="TensorFlow 2.13 was built and tested with cuDNN 8.6 and CUDA 11.8; its wheel carries neither.",
        source="tensorflow.org/install/source, table of tested build configurations",
        as_of="2026-11-24",
        experiment="Ask both installed builds which CUDA and cuDNN they were made for, and whether they carry them.",
        estimate_s=20,
    ),
    Claim(
        id="setup-driver",
        says="With a driver older than 525, TensorFlow 2.13 refuses CUDA 11.8.",
        known="CUDA 11.x runs on drivers from 450 on, 12.x from 525, 13.x from 580 (minor version compatibility).",
        source="docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html, table 1",
        as_of="2026-11-24",
        experiment="Hold the installed driver and the builds' CUDA against NVIDIA's table.",
        estimate_s=20,
    ),
    Claim(
        id="setup-verify",
        says="Printing TensorFlow's version, and PyTorch's version with torch.cuda.is_available(), verifies the installation.",
        known="Half of it: TensorFlow is never asked for the GPU, and neither runs anything on it.",
        source="the article's own commands; tensorflow.org/install/pip asks tf.config.list_physical_devices('GPU') instead",
        as_of="2026-11-24",
        experiment="Ask both for their devices, and run a kernel on each.",
        estimate_s=25,
    ),
    Claim(
        id="setup-p3",
        says="A p3.2xlarge (V100) works perfectly.",
        known="Stale: PyTorch's default CUDA builds dropped the V100 (sm_70); CUDA 12.8 builds with release 2.11, and CUDA 13 never had it.",
        source="github.com/pytorch/pytorch/issues/172352 and /issues/157517",
        as_of="2026-11-24",
        experiment="Compare torch.cuda.get_arch_list() of the installed build with the card's compute capability, and with 7.0.",
        estimate_s=15,
    ),
)  # fmt: skip
