# The image in which every step of a compiled pipeline runs; see docs/kubeflow.md.
#
#   docker build --tag REGISTRY/penguin:1 .
#
# for TFX 1.16 and Python 3.10, or for TFX 1.21:
#
#   docker build --tag REGISTRY/penguin:1 --build-arg TFX=1.21 \
#     --build-arg PYTHON=3.13 --build-arg DEBIAN=trixie .
#
# With --build-arg EXTRAS=kfp,ray it is also that of all nodes of a Ray cluster; see
# docs/cluster.md.
ARG PYTHON=3.10
ARG DEBIAN=bookworm

# This image has a compiler: a package that TFX needs comes as source only.
FROM python:${PYTHON}-${DEBIAN} AS build
ARG TFX=1.16
ARG EXTRAS=kfp
COPY . /src
# pip stays: TFX installs the user's module with it when a step starts. Bytecode stays:
# without it each step would compile what it imports. TensorFlow's headers, for compiling
# custom operations, go: they are a tenth of the image.
RUN python -m venv /opt/venv \
  && /opt/venv/bin/pip install --no-cache-dir \
    --constraint "/src/constraints/tfx-${TFX}.txt" "/src[${EXTRAS}]" \
  && rm -r /opt/venv/lib/python*/site-packages/tensorflow/include

FROM python:${PYTHON}-slim-${DEBIAN}
COPY --from=build /opt/venv /opt/venv
RUN useradd --uid 1000 --create-home tfx
USER 1000
WORKDIR /home/tfx
ENV PATH=/opt/venv/bin:$PATH \
  PYTHONUNBUFFERED=1 \
  TF_CPP_MIN_LOG_LEVEL=1
