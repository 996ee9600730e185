# The studio on a CPU, as an ordinary user, with no need of the network once it is built.
#   docker build -t voice-studio .
#   docker run --rm -p 127.0.0.1:7860:7860 -v voices:/data voice-studio
#
# A tag is what its owner says today. To hold the image fast: --build-arg PYTHON_IMAGE=python:3.11-slim@sha256:...
# (`docker buildx imagetools inspect python:3.11-slim` prints the digest)
ARG PYTHON_IMAGE=python:3.11-slim
FROM ${PYTHON_IMAGE}

# torch's CPU build lies in an index of its own and makes the image several GB smaller: --build-arg TORCH_INDEX=...
ARG TORCH_INDEX=""
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GPT_SOVITS_HOME=/data \
    GRADIO_ANALYTICS_ENABLED=False \
    HF_HUB_OFFLINE=1

WORKDIR /app
COPY requirements.lock requirements-cuda.lock ./
RUN if [ -n "$TORCH_INDEX" ]; then pip install --no-cache-dir --no-deps --index-url "$TORCH_INDEX" torch==2.13.0; fi \
    && pip install --no-cache-dir --require-hashes -r requirements.lock $([ -n "$TORCH_INDEX" ] || echo -r requirements-cuda.lock)

COPY LICENSE README.md app.py ./
COPY gpt_sovits gpt_sovits
COPY webui webui
COPY pretrained_models pretrained_models

RUN useradd --create-home --uid 10001 studio && mkdir /data && chown studio:studio /data
USER studio
VOLUME /data
EXPOSE 7860

HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/', timeout=4)"]

# 0.0.0.0 is the container's own; what may reach it is decided by -p, and whoever does needs the code that it prints
CMD ["python", "app.py", "--host", "0.0.0.0", "--port", "7860"]
