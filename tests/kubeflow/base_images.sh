#!/usr/bin/env bash
# Makes stand-ins for the Dockerfile's base images, where Debian's mirror is in reach but
# no registry: Debian's packages, and a Python that has a prefix of its own (pyenv's).
#
# Usage, as root, with debootstrap and podman:
#   tests/kubeflow/base_images.sh PYTHON DIRECTORY
#   podman build --pull=never --tag penguin:1 .
#
# The stand-ins are called docker.io/library/python, as the real ones are: remove them
# (podman image rm) where a registry comes in reach.
set -euo pipefail

python="$1" directory="$2" debian="${DEBIAN:-bookworm}"
mirror=http://deb.debian.org/debian
# What the modules of Python's library load, and what python:slim has besides.
libraries=ca-certificates,netbase,tzdata,libbz2-1.0,libdb5.3,libexpat1,libffi8
libraries+=,libgdbm6,liblzma5,libncursesw6,libnsl2,libreadline8,libsqlite3-0,libssl3
libraries+=,libuuid1,zlib1g

prefix="$("$python" -c 'import sys; print(sys.base_prefix)')"
version="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"

main() {
  debootstrap --variant=minbase --include="$libraries" "$debian" "$directory" "$mirror"
  tar -C "$prefix" --exclude=__pycache__ --exclude='site-packages/*.pth' \
    --exclude="lib/python$version/test" --create bin include lib |
    tar -C "$directory/usr/local" --extract --no-same-owner
  # Extensions are compiled with the paths that it was built for.
  grep -rlIF "$prefix" "$directory/usr/local" | xargs sed -i "s|$prefix|/usr/local|g"
  ln -sf "python$version" "$directory/usr/local/bin/python"
  chroot "$directory" ldconfig
  chroot "$directory" /usr/local/bin/python -c "import bz2, ctypes, lzma, readline, sqlite3, ssl"
  import_as "python:$version-slim-$debian"

  cp /etc/resolv.conf /etc/hosts "$directory/etc/"
  chroot "$directory" apt-get -qq update
  chroot "$directory" apt-get -qq install --yes --no-install-recommends \
    build-essential git </dev/null
  import_as "python:$version-$debian"
}

import_as() {
  chroot "$directory" apt-get clean
  tar -C "$directory" --create . | podman import --quiet \
    --change "ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    --change "ENV LANG=C.UTF-8" - "docker.io/library/$1"
}

main
