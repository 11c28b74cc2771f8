#!/usr/bin/env bash
# Prints the path of a Python that runs and can make virtual environments for
# packages with C extensions. If there is none, it says what is missing.
#
# Usage: tools/find_python.sh VERSION...      (such as 3.10; the preferred one first)
#
# With PYTHON=/path/to/python it looks at that interpreter only.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
pyenv_versions="${PYENV_ROOT:-${HOME:-}/.pyenv}/versions"
uv_pythons="${UV_PYTHON_INSTALL_DIR:-${XDG_DATA_HOME:-${HOME:-}/.local/share}/uv/python}"

main() {
  local versions="$*" candidate problem found=""
  while read -r candidate; do
    problem="$(problem_with "$candidate")"
    if [[ -z "$problem" ]]; then
      echo "$candidate"
      return
    fi
    found+=$'\n'"  $candidate $problem"
  done < <(candidates)
  printf '%s\n' >&2 \
    "Expected: Python ${versions// / or }." \
    "Received:${found:- none}" \
    "Looked for: ${PYTHON:-python3.x, python3 and python on PATH, $pyenv_versions, $uv_pythons}" \
    "Install one, with one of these commands:" \
    "  uv python install $1" \
    "  pyenv install $1" \
    "  apt-get install python$1-venv python$1-dev   (if your release has it)" \
    "Then run the command again. If you have a Python elsewhere, name it:" \
    "  PYTHON=/path/to/python make ..."
  return 1
}

# Every match on PATH, not only the first: pyenv's shims may come before a Python
# that works.
candidates() {
  if [[ -n "${PYTHON:-}" ]]; then
    echo "$PYTHON"
    return
  fi
  local version
  {
    for version in $versions; do
      type -aP "python$version" || true
      newest_first "$pyenv_versions/$version".*/bin/python
      newest_first "$uv_pythons/cpython-$version".*/bin/python3
    done
    type -aP python3 python || true
  } | outside_venv
}

newest_first() {
  if [[ -e "$1" ]]; then
    printf '%s\n' "$@" | sort -rV
  fi
}

# The checkout's own environment, when it is activated, may be about to be replaced.
outside_venv() {
  grep -vF "$root/.venv" || true
}

# Prints why an interpreter is not suitable; nothing if it is.
problem_with() {
  # This code must run on any Python, 2.7 included.
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

main "$@"
