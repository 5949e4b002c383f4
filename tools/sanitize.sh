#!/bin/sh
# Builds the extension and the C++ unit tests with a sanitizer and runs the tests of native code on them. What the
# sanitizer finds makes the run fail.
# Usage: sanitize.sh address|thread PYTHON CXX [pytest options]; an empty CXX is c++
#   address: memory errors and undefined behaviour; thread: races
set -eu
kind=$1
python=$2
cxx=${3:-c++}
shift 3
cd "$(dirname "$0")/.."
build=build/sanitize/$kind

runtime_library() {
  # The compiler answers with the bare name where it has no such file. $cxx is split on purpose: "ccache g++" is one too.
  path=$($cxx -print-file-name="$1.so" 2>/dev/null || echo "$1.so")
  if [ "$path" = "$1.so" ]; then
    echo "sanitize: the compiler '$cxx' has no $1.so; use g++, which brings it (Debian and Ubuntu: apt install g++; Fedora: dnf install $1): make sanitize CXX=g++" >&2
    exit 1
  fi
  # The file may be a text for the linker; then the name to preload stands in it.
  if head -c 4 "$path" | grep -q ELF; then realpath "$path"; else grep -o "/[^ ]*$1.so[.0-9]*" "$path" | head -n 1; fi
}

stdlib=$(runtime_library libstdc++)
case $kind in
  address)
    sanitizers="address,undefined"
    preload="$(runtime_library libasan) $stdlib"
    # The interpreter never frees what it keeps to its end, so leaks would be its own.
    export ASAN_OPTIONS="detect_leaks=0:strict_string_checks=1:detect_stack_use_after_return=1"
    export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"
    # Everything small that calls native code. Larger sizes and further threads find nothing more here.
    tests="tests/numerics/test_row_solvers.py tests/numerics/test_logistic_solvers.py tests/unit/recommend
      tests/unit/solvers tests/unit/data tests/property/test_id_properties.py tests/hostile/test_tables.py"
    except=""
    ;;
  thread)
    sanitizers="thread"
    preload="$(runtime_library libtsan)"
    # Only instrumented code is judged: numpy, duckdb and the interpreter have their own ways of synchronising.
    export TSAN_OPTIONS="ignore_noninstrumented_modules=1:halt_on_error=0:exitcode=66"
    # The C++ suite "many threads" runs everything of the work queue; these add the bindings and the interpreter.
    # No test here may import polars, whose allocator crashes under this sanitizer.
    tests="tests/numerics/test_row_solvers.py tests/numerics/test_threads.py
      tests/unit/recommend/test_top_k.py tests/unit/recommend/test_percentiles.py tests/unit/data/test_csr.py tests/unit/data/test_pairs.py
      tests/property/test_id_properties.py"
    # It keeps four bytes for every byte that is read: of arrays of 8 GiB, even where they are but address space.
    except=" and not 64_bit"
    ;;
  *)
    echo "sanitize: '$kind' is neither 'address' nor 'thread'" >&2
    exit 2
    ;;
esac
export OPENBLAS_NUM_THREADS=1

echo "Building with -fsanitize=$sanitizers in $build"
mkdir -p "$build"
python=$(command -v "$python")
PATH=$(dirname "$python"):$PATH
{
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="${cxx##* }" \
    -DPython_EXECUTABLE="$python" -DRIDGEBACK_SANITIZERS="$sanitizers" -DRIDGEBACK_NATIVE_TESTS=ON &&
    cmake --build "$build" --target _native native_tests
} >"$build/build.log" 2>&1 || {
  cat "$build/build.log" >&2
  exit 1
}

# An environment whose ridgeback is this build beside the sources; everything else is the given one's.
"$python" -m venv --without-pip --clear "$build/venv"
site=$(find "$build/venv" -type d -name site-packages | head -n 1)
mkdir "$site/ridgeback"
for entry in src/ridgeback/*; do
  case $entry in *_native*.so) ;; *) ln -s "$PWD/$entry" "$site/ridgeback/" ;; esac
done
cp "$build"/_native*.so "$site/ridgeback/"
"$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' >"$site/others.pth"

echo "C++ unit tests"
"$build/native_tests" >"$build/native_tests.log" 2>&1 || failed=1
grep -v ': ok$' "$build/native_tests.log"
[ -z "${failed:-}" ] || exit 1
echo "Python tests"  # but for those that hold a clock against something: here everything is slow
LD_PRELOAD=$preload PYTHONPATH= RIDGEBACK_SANITIZER=$kind "$build/venv/bin/python" -m pytest -q -p no:cacheprovider \
  -k "not ctrl_c and not was_timed$except" $tests "$@"
