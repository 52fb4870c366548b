# cxr-tf on a CPU. Research software, not a medical device.
#   docker build -f tools/docker/cpu.Dockerfile -t cxr-tf:cpu .
#   docker run --rm cxr-tf:cpu cxr_tf.info
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/mnt/cxr" cxr-tf:cpu \
#       cxr_tf.score --model /mnt/cxr/saved_models/cxr_triage --out /mnt/cxr/out /mnt/cxr/films
ARG PYTHON_VERSION=3.12

FROM python:${PYTHON_VERSION}-slim AS build
# requirements-lock-node.txt brings what the DICOM node needs too (tools/node/docker-compose.yml).
ARG LOCK=requirements-lock.txt
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /src
# The requirements first: they are built again only when they change.
COPY ${LOCK} ./
RUN pip install --require-hashes -r ${LOCK}
COPY . .
# setuptools, which builds the project, is among the locked.
RUN pip install --no-deps --no-build-isolation .

FROM python:${PYTHON_VERSION}-slim
LABEL org.opencontainers.image.title="cxr-tf" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.description="Triage of chest radiographs; research software, not a medical device"
# oneDNN must be asked for before TensorFlow is imported. HOME and the caches must be writable for any --user.
ENV PATH=/opt/venv/bin:$PATH \
    TF_ENABLE_ONEDNN_OPTS=1 \
    TF_CPP_MIN_LOG_LEVEL=2 \
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
