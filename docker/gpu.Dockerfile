# The whole program on a machine with an NVIDIA GPU. Built from the root of the project, where the NVIDIA Container Toolkit is installed:
#   docker build --file docker/gpu.Dockerfile --tag showdown .
#   docker run --gpus all --shm-size 2g --publish 127.0.0.1:8501:8501 --volume showdown:/data showdown
# Published to this machine alone: who reaches the port can start trainings.
FROM nvidia/cuda:12.8.1-base-rockylinux9

# The compiler is for torch.compile; both frameworks bring their own CUDA libraries.
RUN dnf install --assumeyes gcc-c++ python3.11 python3.11-devel \
    && dnf clean all

ENV VIRTUAL_ENV=/opt/showdown \
    PATH=/opt/showdown/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /showdown
COPY requirements.txt requirements.txt
# TensorFlow takes its CUDA libraries from an extra of its own, in the version that is pinned.
RUN python3.11 -m venv "$VIRTUAL_ENV" \
    && python -m pip install --requirement requirements.txt \
    && python -m pip install "$(sed -n 's/^tensorflow==/tensorflow[and-cuda]==/p' requirements.txt)"

COPY .streamlit .streamlit
COPY streamlit_app.py streamlit_app.py
COPY core core
COPY pages pages
COPY pyproject.toml pyproject.toml
RUN python -m compileall -q core pages

RUN useradd --create-home --uid 1000 showdown \
    && mkdir /data \
    && chown showdown:showdown /data
USER showdown
ENV SHOWDOWN_HOME=/data
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
# Open inside the container; which names it answers to stays as .streamlit/config.toml says.
CMD ["python", "-m", "streamlit", "run", "streamlit_app.py", "--server.port=8501", "--server.address=0.0.0.0", "--server.headless=true"]
