# The image that every step of a compiled pipeline runs in; see docs/kubeflow.md.
#
#   docker build --tag REGISTRY/penguin:1 .
#
# on TFX 1.16 and Python 3.10, or on TFX 1.21:
#
#   docker build --tag REGISTRY/penguin:1 --build-arg TFX=1.21 \
#     --build-arg PYTHON=3.13 --build-arg DEBIAN=trixie .
ARG PYTHON=3.10
ARG DEBIAN=bookworm

# With a compiler: a package that TFX needs comes as source only.
FROM python:${PYTHON}-${DEBIAN} AS build
ARG TFX=1.16
COPY . /src
# With pip, which TFX installs the user's module with when a step begins; and with
# bytecode, without which each step would compile what it imports. Without headers to
# compile operations of TensorFlow with: they are a tenth of the image.
RUN python -m venv /opt/venv \
  && /opt/venv/bin/pip install --no-cache-dir \
    --constraint "/src/constraints/tfx-${TFX}.txt" "/src[kfp]" \
  && rm -r /opt/venv/lib/python*/site-packages/tensorflow/include

FROM python:${PYTHON}-slim-${DEBIAN}
COPY --from=build /opt/venv /opt/venv
RUN useradd --uid 1000 --create-home tfx
USER 1000
WORKDIR /home/tfx
ENV PATH=/opt/venv/bin:$PATH \
  PYTHONUNBUFFERED=1 \
  TF_CPP_MIN_LOG_LEVEL=1
