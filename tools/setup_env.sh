#!/usr/bin/env bash
# Makes .venv with TFX, this project in editable mode and the tools to work on it.
#
# Usage: tools/setup_env.sh          set up, unless that is done already
#        tools/setup_env.sh --find   only say which Python and which TFX it takes
#
# With PYTHON=/path/to/python it takes that interpreter instead of looking for one.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"

venv="$root/.venv"
# Tells a .venv of ours from any other; stays empty until the set-up is complete.
stamp="$venv/setup_env.stamp"

main() {
  case "${1-}" in
    "")
      if ! is_done; then
        choose_tfx
        find_python
        set_up
      fi
      ;;
    --find)
      choose_tfx
      find_python
      echo "$python (TFX $tfx)"
      ;;
    *) fail "Expected: no argument, or --find." "Received: $1" ;;
  esac
}

# The stamp's first line is the fingerprint, its second the Python that was taken.
is_done() {
  [[ -s "$stamp" ]] &&
    [[ "$(sed -n 1p "$stamp")" == "$(fingerprint)" ]] &&
    [[ -z "${PYTHON:-}" || "$(sed -n 2p "$stamp")" == "$PYTHON" ]] &&
    "$venv/bin/python" -c "" 2>/dev/null
}

# What a finished set-up depends on. The path is part of it because a virtual
# environment cannot be moved.
fingerprint() {
  { echo "$root" && cat setup.py pyproject.toml tuner_component/version.py \
    constraints/tfx-*.txt tools/*.sh; } | sha256sum
}

# Sets tfx (the line) and versions (the Pythons that it runs on, best first).
choose_tfx() {
  local glibc
  if [[ "$(uname -sm)" != "Linux x86_64" ]] || ! glibc="$(getconf GNU_LIBC_VERSION)"; then
    fail "Expected: Linux on x86_64 with glibc; TFX publishes wheels only for that." \
      "Received: $(uname -sm)${glibc:+ with $glibc}." \
      "Set up on such a machine, or in such a container."
  fi
  if [[ "$(printf '%s\n' "glibc 2.39" "$glibc" | sort -V | head -n 1)" == "glibc 2.39" ]]; then
    tfx=1.21 versions="3.13 3.12 3.11 3.10" because="$glibc, 2.39 or newer"
  else
    tfx=1.16 versions="3.10" because="$glibc, older than 2.39"
  fi
}

# Sets python. The compiler is for pyfarmhash, a dependency of TFX that has no wheel.
find_python() {
  # shellcheck disable=SC2086 # each version is an argument of its own
  python="$(tools/find_python.sh $versions)" ||
    fail "No Python is suitable for TFX $tfx, the line for this machine ($because)."
  if ! type -P "${CXX:-g++}" >/dev/null; then
    fail "Expected: a C++ compiler; TFX needs a package that has no wheel." \
      "Received: no ${CXX:-g++} on PATH." \
      "Install one (Debian: apt-get install g++) and run the command again."
  fi
}

set_up() {
  if [[ -e "$venv" && ! -e "$stamp" ]]; then
    fail "Expected: no $venv, or one that this script made." \
      "Received: one that this script did not make. It is left as it is." \
      "Move it away and run the command again."
  fi
  echo "Setting up .venv with $python and TFX $tfx; this takes a few minutes."
  # Start empty: what an interrupted set-up left behind cannot be trusted.
  rm -rf "$venv"
  mkdir "$venv"
  : >"$stamp"
  "$python" -m venv "$venv"
  install
  { fingerprint && echo "$python"; } >"$stamp"
  echo "Set up. Use .venv/bin/python, or: source .venv/bin/activate"
}

install() {
  local constraint=(--constraint "constraints/tfx-$tfx.txt")
  local pip=("$venv/bin/python" -m pip --disable-pip-version-check)
  # uv takes a minute and pip several, but pip knows more ways to reach an index
  # (pip.conf, a proxy's certificate). Both compile: TFX takes a minute to import if
  # Python may not, or cannot, keep what it has compiled.
  if "${pip[@]}" install --quiet "${constraint[@]}" uv &&
    "$venv/bin/uv" pip install --python "$venv/bin/python" --compile-bytecode \
      "${constraint[@]}" --editable ".[dev,kfp]"; then
    return
  fi
  echo "uv failed; trying again with pip."
  "${pip[@]}" install "${constraint[@]}" --editable ".[dev,kfp]"
}

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

main "$@"
