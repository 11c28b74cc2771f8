#!/usr/bin/env bash
# Makes .venv: TFX, this project in editable mode and the tools to work on it.
#
# Usage: tools/setup_env.sh          set up, unless that is done already
#        tools/setup_env.sh --find   only say which Python and which TFX it takes
#
# PYTHON=/path/to/python takes that interpreter instead of looking for one.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"

venv="$root/.venv"
# Tells our .venv from somebody else's; stays empty until the set-up is complete.
stamp="$venv/setup_env.stamp"
pyenv_versions="${PYENV_ROOT:-${HOME:-}/.pyenv}/versions"
uv_pythons="${UV_PYTHON_INSTALL_DIR:-${XDG_DATA_HOME:-${HOME:-}/.local/share}/uv/python}"

main() {
  case "${1-}" in
    "") set_up ;;
    --find) choose_tfx && find_python && echo "$python (TFX $tfx)" ;;
    *) fail "Expected: no argument, or --find." "Received: $1" ;;
  esac
}

set_up() {
  if is_done; then
    return
  fi
  choose_tfx
  find_python
  if [[ -e "$venv" && ! -e "$stamp" ]]; then
    fail "Expected: no $venv, or one that this script made." \
      "Received: one of another origin, which is left as it is." \
      "Move it away and run the command again."
  fi
  echo "Setting up .venv with $python and TFX $tfx; this takes a few minutes."
  # From nothing: what an interrupted set-up left behind cannot be trusted.
  rm -rf "$venv"
  mkdir "$venv"
  : >"$stamp"
  "$python" -m venv "$venv"
  install
  { fingerprint && echo "$python"; } >"$stamp"
  echo "Set up. Use .venv/bin/python, or: source .venv/bin/activate"
}

# The stamp's first line is the fingerprint, its second the Python that was taken.
is_done() {
  [[ -s "$stamp" ]] &&
    [[ "$(sed -n 1p "$stamp")" == "$(fingerprint)" ]] &&
    [[ -z "${PYTHON:-}" || "$(sed -n 2p "$stamp")" == "$PYTHON" ]] &&
    "$venv/bin/python" -c "" 2>/dev/null
}

# What a finished set-up follows from. A virtual environment cannot be moved, hence
# the path.
fingerprint() {
  { echo "$root" && cat setup.py pyproject.toml tuner_component/version.py \
    constraints/tfx-*.txt tools/setup_env.sh; } | sha256sum
}

# Sets tfx (the line), versions (the Pythons that it runs on, best first).
choose_tfx() {
  local glibc
  if [[ "$(uname -sm)" != "Linux x86_64" ]] || ! glibc="$(getconf GNU_LIBC_VERSION)"; then
    fail "Expected: Linux on x86_64 with glibc, which TFX publishes wheels for." \
      "Received: $(uname -sm)${glibc:+ with $glibc}." \
      "Set up in a container or on a machine of that kind."
  fi
  glibc="${glibc#glibc }"
  if [[ "$(printf '%s\n' 2.39 "$glibc" | sort -V | head -n 1)" == 2.39 ]]; then
    tfx=1.21 versions="3.13 3.12 3.11 3.10" because="glibc $glibc, 2.39 or newer"
  else
    tfx=1.16 versions="3.10" because="glibc $glibc, older than 2.39"
  fi
}

# Sets python to the first candidate that fits; explains itself where there is none.
find_python() {
  local candidate problem found=""
  while read -r candidate; do
    problem="$(problem_with "$candidate")"
    if [[ -z "$problem" ]]; then
      python="$candidate"
      require_compiler
      return
    fi
    found+=$'\n'"  $candidate $problem"
  done < <(candidates)
  fail "No Python fits." \
    "Expected: Python ${versions// / or } for TFX $tfx (this machine has $because)." \
    "Received:${found:- none}" \
    "Looked for: ${PYTHON:-python3.x, python3 and python on PATH, $pyenv_versions, $uv_pythons}" \
    "Install one, with whichever of these you have:" \
    "  uv python install ${versions%% *}" \
    "  pyenv install ${versions%% *}" \
    "  apt-get install python${versions%% *}-venv python${versions%% *}-dev   (if your release has it)" \
    "Then run the command again. A Python that lies elsewhere can be named:" \
    "  PYTHON=/path/to/python make setup"
}

# Every match on PATH, not only the first: pyenv's shims may stand before a Python
# that works.
candidates() {
  if [[ -n "${PYTHON:-}" ]]; then
    echo "$PYTHON"
    return
  fi
  local version
  for version in $versions; do
    type -aP "python$version" || true
    newest_first "$pyenv_versions/$version".*/bin/python
    newest_first "$uv_pythons/cpython-$version".*/bin/python3
  done | outside_venv
  { type -aP python3 python || true; } | outside_venv
}

newest_first() {
  if [[ -e "$1" ]]; then
    printf '%s\n' "$@" | sort -rV
  fi
}

# The .venv itself, when it is activated, is about to be replaced.
outside_venv() {
  grep -vF "$venv/" || true
}

# Prints why an interpreter does not fit; nothing if it does.
problem_with() {
  # Runs on any Python that somebody may have, 2.7 included.
  "$1" -c '
import os, sys, sysconfig
def stop(problem):
    sys.stdout.write(problem)
    sys.exit(0)
version = "%d.%d" % sys.version_info[:2]
if version not in sys.argv[1].split():
    stop("is Python " + version)
if sys.implementation.name != "cpython" or sys.maxsize < 2**32:
    stop("is not a 64-bit CPython")
try:
    import ensurepip, venv
except ImportError:
    stop("has no venv and ensurepip (Debian: python%s-venv)" % version)
if not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
    stop("has no C headers (Debian: python%s-dev)" % version)
' "$versions" 2>/dev/null </dev/null || echo "does not run"
}

# One dependency of TFX (pyfarmhash) is published as source only.
require_compiler() {
  if ! type -P "${CXX:-g++}" >/dev/null; then
    fail "Expected: a C++ compiler; TFX needs a package that has no wheel." \
      "Received: no ${CXX:-g++} on PATH." \
      "Install one (Debian: apt-get install g++) and run the command again."
  fi
}

install() {
  local constraint=(--constraint "constraints/tfx-$tfx.txt")
  local pip=("$venv/bin/python" -m pip --disable-pip-version-check)
  # uv takes under a minute where pip takes several; pip knows more ways to reach
  # an index (pip.conf, a proxy's certificate).
  if "${pip[@]}" install --quiet "${constraint[@]}" uv &&
    "$venv/bin/uv" pip install --python "$venv/bin/python" "${constraint[@]}" \
      --editable ".[dev]"; then
    return
  fi
  echo "uv did not get there; trying again with pip."
  "${pip[@]}" install "${constraint[@]}" --editable ".[dev]"
}

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

main "$@"
