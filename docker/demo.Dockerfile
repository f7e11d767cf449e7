# The hosted demo. Built from the root of the project: docker build --file docker/demo.Dockerfile --tag showdown-demo .
# It needs no writable disk but /tmp:             docker run --read-only --tmpfs /tmp --memory 690m --publish 8501:8501 showdown-demo
FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    HOME=/tmp

WORKDIR /showdown
COPY demo/requirements.txt demo/requirements.txt
RUN python -m pip install --requirement demo/requirements.txt

COPY core core
COPY pages pages
COPY pyproject.toml pyproject.toml
COPY demo demo
RUN python -m compileall -q core pages demo

USER 65532:65532
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["python", "-m", "streamlit", "run", "demo/streamlit_app.py", "--server.port=8501"]
