#!/bin/sh
# Checks what must be on the machine before anything can be built: one clear line for each thing that is missing.
# Usage: prerequisites.sh PYTHON [CXX]
set -u
python=${1:-python3}
cxx=${2:-}
missing=0

say() {
  echo "prerequisites: $1" >&2
  missing=1
}

if ! command -v "$python" >/dev/null 2>&1; then
  say "no '$python' found; install Python 3.10 or newer (Debian and Ubuntu: apt install python3 python3-venv python3-dev; Fedora: dnf install python3-devel; macOS: brew install python), or name one: make PYTHON=/path/to/python3"
elif ! version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null); then
  say "'$python' does not start; name a working Python 3.10 or newer: make PYTHON=/path/to/python3"
elif ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
  say "'$python' is Python $version, and Ridgeback needs 3.10 or newer; install one and name it: make PYTHON=python3.12"
else
  "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
    say "Python $version cannot create environments (module ensurepip or venv is missing); Debian and Ubuntu: apt install python$version-venv"
  "$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' ||
    say "the header Python.h of Python $version is missing; Debian and Ubuntu: apt install python$version-dev; Fedora: dnf install python3-devel"
fi

if [ -z "$cxx" ]; then
  for candidate in c++ g++ clang++; do
    if command -v "$candidate" >/dev/null 2>&1; then
      cxx=$candidate
      break
    fi
  done
fi
if [ -z "$cxx" ]; then
  say "no C++ compiler found; install one that knows C++20 (Debian and Ubuntu: apt install g++; Fedora: dnf install gcc-c++; macOS: xcode-select --install), or name one: make CXX=clang++"
else
  directory=$(mktemp -d)
  cat >"$directory/probe.cpp" <<'CPP'
#include <bit>
#include <concepts>
#include <span>
#include <thread>
template <std::integral T>
int bits(std::span<const T> values) {
  return std::popcount(static_cast<unsigned>(values[0]));
}
int main() {
  const int value[1] = {1};
  int n = 0;
  std::thread([&] { n = bits(std::span<const int>(value)); }).join();
  return n - 1;
}
CPP
  # $cxx is split on purpose: "ccache g++" is a compiler too.
  if ! $cxx -std=c++20 -pthread "$directory/probe.cpp" -o "$directory/probe" >"$directory/log" 2>&1; then
    say "the compiler '$cxx' cannot build a C++20 program ($(grep -m 1 -i error "$directory/log" || head -n 1 "$directory/log")); install g++ 11 or clang 14 or newer (Debian and Ubuntu: apt install g++), or name one: make CXX=g++-12"
  fi
  rm -rf "$directory"
fi
exit $missing
