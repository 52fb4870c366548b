# cxr-tf on NVIDIA GPUs. CUDA and cuDNN come as wheels: the host needs the driver and the NVIDIA container toolkit.
# Research software, not a medical device.
#   docker build -f tools/docker/gpu.Dockerfile -t cxr-tf:gpu .
#   docker run --rm --gpus all --user "$(id -u):$(id -g)" -v "$PWD:/mnt/cxr" cxr-tf:gpu \
#       cxr_tf.train segmentation --data /mnt/cxr/data --out /mnt/cxr/runs/segmentation
ARG PYTHON_VERSION=3.12

FROM python:${PYTHON_VERSION}-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /src
# The requirements first, with CUDA: they are built again only when they change.
COPY requirements-lock-gpu.txt ./
RUN pip install --require-hashes -r requirements-lock-gpu.txt
COPY . .
# setuptools, which builds the project, is among the locked.
RUN pip install --no-deps --no-build-isolation .

FROM python:${PYTHON_VERSION}-slim
LABEL org.opencontainers.image.title="cxr-tf" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.description="Triage of chest radiographs; research software, not a medical device"
# oneDNN serves the operations that stay on the host. TensorFlow takes memory as it needs it, so that one
# card can be shared. HOME and the caches must be writable for any --user.
ENV PATH=/opt/venv/bin:$PATH \
    TF_ENABLE_ONEDNN_OPTS=1 \
    TF_CPP_MIN_LOG_LEVEL=2 \
    TF_FORCE_GPU_ALLOW_GROWTH=true \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib
COPY --from=build /opt/venv /opt/venv
# tools/ (phantoms, demo) runs from the sources; the packages are installed.
COPY . /opt/cxr-tf
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin cxr \
    && install -d -o cxr -g cxr /mnt/cxr
USER cxr
WORKDIR /mnt/cxr
# The module to run is the first argument: cxr_tf.train, cxr_tf.evaluate, cxr_tf.export, cxr_tf.score, cxr_tf.info.
ENTRYPOINT ["python", "-m"]
CMD ["cxr_tf.info"]
