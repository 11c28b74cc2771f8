#!/usr/bin/env bash
# Writes the modules in tuner_component/proto/, their type stubs, and the docstrings of
# what is in tuner.proto.
#
# The compiler is pinned to a version whose output loads under protobuf 3.20 (TFX 1.16)
# as well as 6.x (TFX 1.21); newer ones write code that 3.20 rejects. It cannot share an
# environment with TFX, and has wheels for Python up to 3.10 only, so it gets an
# environment of its own.
#
# Usage: proto/generate.sh [OUTPUT_DIR]   (default: the repository's root)
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
out="$(mkdir -p "${1:-$root}" && cd "${1:-$root}" && pwd)"
venv="$root/.venv-protoc"

# The copy is made last: if it is missing or differs, the environment is incomplete or
# outdated.
if ! cmp -s "$root/proto/requirements.txt" "$venv/requirements.txt"; then
  python="$("$root/tools/find_python.sh" 3.10)"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --disable-pip-version-check --quiet \
    --requirement "$root/proto/requirements.txt"
  cp "$root/proto/requirements.txt" "$venv/"
fi

# The virtual path keeps the file's name in protobuf's global descriptor pool
# unique: a bare "proto/tuner.proto" would clash with another project's.
compile() {
  PATH="$venv/bin:$PATH" "$venv/bin/python" -m grpc_tools.protoc \
    --proto_path="tuner_component/proto=$root/proto" \
    --python_out="$out" --mypy_out="quiet:$out" \
    --include_source_info --descriptor_set_out="$venv/$1.descriptor" \
    "tuner_component/proto/$1.proto"
}
compile tuner
compile vizier
"$venv/bin/python" "$root/proto/write_docstrings.py" "$venv/tuner.descriptor" \
  >"$out/tuner_component/proto/docstrings.py"
