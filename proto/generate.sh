#!/usr/bin/env bash
# Writes tuner_component/proto/tuner_pb2.py and its type stub from tuner.proto.
#
# The compiler is pinned to one whose output loads under protobuf 3.20 (TFX 1.16)
# as well as 6.x (TFX 1.21); newer ones write code that 3.20 rejects. It cannot
# share an environment with TFX, so it gets a virtual environment of its own.
#
# Usage: proto/generate.sh [OUTPUT_DIR]   (default: the repository's root)
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
out="$(mkdir -p "${1:-$root}" && cd "${1:-$root}" && pwd)"
venv="${PROTOC_VENV:-$root/.venv-protoc}"

if [[ ! -x "$venv/bin/protoc-gen-mypy" ]]; then
  "${PYTHON:-$root/.venv/bin/python}" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --requirement "$root/proto/requirements.txt"
fi

# The virtual path keeps the file's name in protobuf's global descriptor pool
# unique: a bare "proto/tuner.proto" would clash with anybody else's.
PATH="$venv/bin:$PATH" "$venv/bin/python" -m grpc_tools.protoc \
  --proto_path="tuner_component/proto=$root/proto" \
  --python_out="$out" --mypy_out="quiet:$out" \
  tuner_component/proto/tuner.proto
