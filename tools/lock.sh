#!/bin/sh
# Refreshes requirements/*.txt from requirements/*.in and pyproject.toml. Needs uv; installing the locks does not.
# One solution for everything first (dev.txt); the narrower locks are cut from it, so they never disagree.
set -eu
cd "$(dirname "$0")/.."
command -v uv >/dev/null || { echo "make lock needs uv: python3 -m pip install uv" >&2; exit 1; }

lock() {
  output=$1
  shift
  uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-emit-find-links \
    --custom-compile-command "make lock" --output-file "requirements/$output" ${UPGRADE:+--upgrade} "$@"
}

lock dev.txt pyproject.toml requirements/dev.in
lock build.txt --constraints requirements/dev.txt requirements/build.in
lock runtime.txt --constraints requirements/dev.txt pyproject.toml
lock test.txt --constraints requirements/dev.txt pyproject.toml requirements/test.in
lock docs.txt --constraints requirements/dev.txt pyproject.toml requirements/docs.in
lock bench.txt requirements/bench.in
