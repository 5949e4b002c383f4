"""What a fit leaves of the process it runs in: the processor's state, the other threads, fork, ctrl-C and BLAS."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import threadpoolctl

import ridgeback as rb
from ridgeback.data.csr import Csr
from ridgeback.data.synthetic import power_law
from ridgeback.solvers import matrices, native
from ridgeback.solvers.problem import RowProblem

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="platform: no fork here")


def huge_problem(n_rows: int = 60_000, n_columns: int = 4_000, row_length: int = 200) -> RowProblem:
    """A half-step of minutes at 200 factors, which no test waits for."""
    rng = np.random.default_rng(0)
    indices = np.sort(rng.integers(0, n_columns, (n_rows, row_length), dtype=np.int32), axis=1).reshape(-1)
    indptr = np.arange(0, n_rows * row_length + 1, row_length, dtype=np.int64)
    rows = Csr(indptr, indices, None, (n_rows, n_columns))
    return RowProblem(rows=rows, ridges=np.ones(n_rows), pull="weight", unobserved_weight=0.1)


def columns_of(problem: RowProblem, k: int = 200) -> np.ndarray:
    return np.random.default_rng(1).normal(scale=0.1, size=(problem.rows.shape[1], k)).astype(np.float32)


CONTROL_WORD = """
import ctypes, ctypes.util, hashlib, threading
math = ctypes.CDLL(ctypes.util.find_library("m"))

def control_word():
    # x86-64: the floating-point environment is 32 bytes, the last four of them MXCSR; its low six bits are flags
    environment = (ctypes.c_uint32 * 8)()
    assert math.fegetenv(environment) == 0
    return environment[7] & 0xffc0

seen = [control_word()]
def look():
    seen.append(control_word())
def look_in_a_thread():
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

import numpy as np
look()
import ridgeback as rb
from ridgeback import _native
look()
look_in_a_thread()
smallest = np.full((2000, 1), 1e-45, np.float32)
data = rb.Interactions.from_arrays(np.arange(4000) % 80, np.arange(4000) // 53 % 60)
for model in (rb.ImplicitALS(8, n_iterations=2, n_threads=3), rb.ExplicitALS(8, n_iterations=2, n_threads=3),
              rb.LogisticMF(8, n_iterations=2, n_threads=3)):
    model.fit(data)
    model.recommend_all(k=3)
    look()
    look_in_a_thread()
print(*(f"{word:#06x}" for word in seen))
total = np.zeros((1, 1))
_native.gram(smallest, None, total, 3)
print(total[0, 0] == 2000 * float(smallest[0, 0]) ** 2 > 0, (smallest * np.float32(1)).min() > 0,
      np.float64(5e-324) * 1.0 > 0)
"""


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64") or os.name != "posix", reason="platform: MXCSR is a register of x86"
)
def test_the_control_word_stays_as_it_was() -> None:
    """Neither flush-to-zero (0x8000) nor denormals-are-zero (0x0040), before and after the import and fits."""
    result = subprocess.run([sys.executable, "-c", CONTROL_WORD], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    words, denormals_survive = result.stdout.splitlines()
    assert set(words.split()) == {"0x1f80"}  # every exception masked, round to nearest, nothing flushed
    assert len(words.split()) == 10
    assert denormals_survive == "True True True"


def test_the_control_word_test_would_see_flushing() -> None:
    """Linking with -ffast-math is what the flags forbid: such an object sets both bits when it is loaded."""
    flushing = CONTROL_WORD.replace(
        "import ridgeback as rb",
        "environment = (ctypes.c_uint32 * 8)()\n"
        "math.fegetenv(environment)\n"
        "environment[7] |= 0x8040\n"
        "math.fesetenv(environment)\n"
        "import ridgeback as rb",
    )
    if platform.machine() not in ("x86_64", "AMD64") or os.name != "posix":
        pytest.skip("platform: MXCSR is a register of x86")
    result = subprocess.run([sys.executable, "-W", "ignore", "-c", flushing], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    words, denormals_survive = result.stdout.splitlines()
    assert "0x9fc0" in words.split()
    assert denormals_survive != "True True True"


AFTER_FORK = """
import hashlib, os, sys
import numpy as np
import ridgeback as rb
from ridgeback.data.synthetic import power_law

data = rb.Interactions.from_csr(power_law(600, 300, 20_000, random_state=1))

def digest():
    bits = hashlib.sha256()
    for model in (rb.ImplicitALS(24, n_iterations=2, n_threads=4), rb.ExplicitALS(24, n_iterations=2, n_threads=4)):
        model.fit(data)
        bits.update(model.user_factors_.tobytes() + model.item_factors_.tobytes())
        bits.update(model.recommend(0, k=5).items.tobytes())
    return bits.hexdigest()

before = digest()                    # the threads of both libraries have been used
_ = np.ones((300, 300)) @ np.ones((300, 300))
children = []
for _ in range(2):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, digest().encode())
        os._exit(0)
    os.close(writer)
    children.append((child, reader))
parent = digest()                    # while the children fit
answers = [os.read(reader, 200).decode() for _, reader in children]
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child, _ in children]
print(codes, len({before, parent, *answers}))
"""


@needs_fork
def test_a_fit_after_a_fork_works_on_both_sides() -> None:
    result = subprocess.run([sys.executable, "-c", AFTER_FORK], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split("\n")[0] == "[0, 0] 1"


@pytest.mark.parametrize("n_threads", [1, 3])
def test_other_python_threads_run_during_a_half_step(n_threads: int) -> None:
    """The call ends early only because another thread sets its flag: with the lock held it would run for minutes."""
    problem = huge_problem()
    fixed, own = columns_of(problem), np.zeros((problem.rows.n_rows, 200), dtype=np.float32)
    cancel = np.zeros(1, dtype=np.uint8)
    n_steps: list[int] = []

    def count_then_cancel() -> None:
        while not own[:, 0].any():  # the call is under way
            time.sleep(0.001)
        for _ in range(50):
            time.sleep(0.001)
            n_steps.append(1)
        cancel[0] = 1

    other = threading.Thread(target=count_then_cancel)
    other.start()
    half_step = native.solve_exact(problem, fixed, None, own, None, n_threads=n_threads, cancel=cancel)
    other.join()
    assert len(n_steps) == 50
    assert not half_step.is_complete
    n_solved = np.count_nonzero(own[:, 0])
    assert 0 < n_solved < problem.rows.n_rows
    assert np.isfinite(own).all()


CTRL_C = """
import os, signal, sys, threading, time
import numpy as np
sys.path.insert(0, {tests!r})
from numerics.test_threads import columns_of, huge_problem, native

problem = huge_problem()
fixed, own = columns_of(problem), np.zeros((problem.rows.n_rows, 200), dtype=np.float32)
moments = []

def ctrl_c():
    while not own[:, 0].any():
        time.sleep(0.01)
    begun = time.perf_counter()
    time.sleep(0.5)
    moments.append((begun, np.count_nonzero(own[:, 0]), time.perf_counter()))
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=ctrl_c, daemon=True).start()
try:
    native.solve_exact(problem, fixed, None, own, None, n_threads=2)
except KeyboardInterrupt:
    ended = time.perf_counter()
    (begun, n_before, sent), n_after = moments[0], np.count_nonzero(own[:, 0])
    print(ended - sent, n_before, n_after, problem.rows.n_rows)
"""


@pytest.mark.skipif(os.name != "posix", reason="platform: signals are sent the POSIX way")
def test_ctrl_c_ends_a_single_half_step() -> None:
    """By work: at most twice the rows that half a second solved before the signal; and by the clock, generously."""
    script = CTRL_C.format(tests=os.path.dirname(os.path.dirname(__file__)))
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    waited, n_before, n_after, n_rows = map(float, result.stdout.split())
    assert n_after < n_rows / 2
    assert n_after - n_before <= 2 * n_before + 500
    assert waited < 3


def test_blas_has_one_thread_inside_the_only_call_of_lapack(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fit brings its own threads; BLAS is held to one while it decomposes, and gets back what it had."""

    def blas_threads() -> list[int]:
        # NumPy's own: another package of the same process may have brought a BLAS that no fit calls.
        own = {library.filepath for library in matrices._blas().lib_controllers}
        return [
            pool["num_threads"]
            for pool in threadpoolctl.threadpool_info()
            if pool["user_api"] == "blas" and pool["filepath"] in own
        ]

    seen: list[list[int]] = []
    decompose = np.linalg.eigh

    def watched(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen.append(blas_threads())
        return decompose(matrix)

    monkeypatch.setattr(np.linalg, "eigh", watched)
    data = rb.Interactions.from_csr(power_law(200, 100, 3_000, random_state=1))
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        rb.ImplicitALS(16, n_iterations=2, n_threads=2).fit(data)
        assert blas_threads() == before
        with pytest.raises(np.linalg.LinAlgError):
            matrices.eigenbasis(np.full((3, 3), np.nan))
        assert blas_threads() == before
    assert len(seen) >= 4
    assert all(set(threads) == {1} for threads in seen)


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="platform: no list of threads in /proc")
def test_a_half_step_has_as_many_threads_as_it_was_given() -> None:
    """The calling thread is one of them, and none is left behind."""
    problem = huge_problem()
    fixed, own = columns_of(problem), np.zeros((problem.rows.n_rows, 200), dtype=np.float32)
    cancel = np.zeros(1, dtype=np.uint8)
    counts: list[int] = []

    def count() -> None:
        while not own[:, 0].any():
            time.sleep(0.001)
        for _ in range(20):
            counts.append(len(os.listdir("/proc/self/task")))
            time.sleep(0.002)
        cancel[0] = 1

    other = threading.Thread(target=count)
    other.start()
    before = len(os.listdir("/proc/self/task"))
    native.solve_exact(problem, fixed, None, own, None, n_threads=3, cancel=cancel)
    other.join()
    assert max(counts) == before + 2
    assert len(os.listdir("/proc/self/task")) == before - 1


WITHOUT_MEMORY = """
import re, resource
import ridgeback as rb
from ridgeback.data.synthetic import power_law

data = rb.Interactions.from_csr(power_law(60_000, 20_000, 300_000, random_state=0))
rb.ImplicitALS(8, n_iterations=1, n_threads=2).fit(data)  # what only a first fit brings is there, stacks of threads too
used = 1024 * int(re.search(r"VmSize:\\s+(\\d+)", open("/proc/self/status").read())[1])
for n_factors, n_threads, n_bytes in ((64, 8, 0), (64, 8, 20_000_000), (512, 8, 0)):
    resource.setrlimit(resource.RLIMIT_AS, (used + n_bytes, -1))
    model = rb.ImplicitALS(n_factors, n_iterations=1, n_threads=n_threads, solver="exact")
    try:
        model.fit(data)
        print("fitted")
    except MemoryError:
        print("refused" if vars(model).keys() == model.get_params().keys() else "half fitted")
"""


@pytest.mark.skipif(not os.path.isfile("/proc/self/status"), reason="platform: no address space to be read in /proc")
@pytest.mark.skipif("RIDGEBACK_SANITIZER" in os.environ, reason="platform: a sanitizer needs its own address space")
def test_a_fit_without_memory_ends_in_an_error_and_not_the_process() -> None:
    result = subprocess.run([sys.executable, "-W", "ignore", "-c", WITHOUT_MEMORY], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    outcomes = result.stdout.split()
    assert len(outcomes) == 3
    assert set(outcomes) <= {"refused", "fitted"}
    assert outcomes[-1] == "refused"


BEST_WITHOUT_MEMORY = """
import re, resource
import numpy as np
from ridgeback import _native

users, items = (np.random.default_rng(0).normal(size=(n, 32)).astype(np.float32) for n in (4_000, 20_000))
rows, scores = np.zeros((4_000, 700), np.int32), np.zeros((4_000, 700), np.float32)
counts = np.zeros(4_000, np.int32)

def ask(n_threads):
    unbiased = (users, items, None, None, 0.0, None)
    everything = (*unbiased, None, None, None, None, -np.inf, np.inf, rows, scores, counts)
    return _native.top_k(*everything, n_threads, None)

ask(2)
used = 1024 * int(re.search(r"VmSize:\\s+(\\d+)", open("/proc/self/status").read())[1])
for n_bytes in (0, 4_000_000, 12_000_000, 30_000_000):
    resource.setrlimit(resource.RLIMIT_AS, (used + n_bytes, -1))
    try:
        print("answered" if ask(8) else "stopped")
    except MemoryError:
        print("refused")
"""


@pytest.mark.skipif(not os.path.isfile("/proc/self/status"), reason="platform: no address space to be read in /proc")
@pytest.mark.skipif("RIDGEBACK_SANITIZER" in os.environ, reason="platform: a sanitizer needs its own address space")
def test_the_best_items_without_memory_are_an_error_and_not_the_end_of_the_process() -> None:
    result = subprocess.run([sys.executable, "-c", BEST_WITHOUT_MEMORY], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    outcomes = result.stdout.split()
    assert len(outcomes) == 4
    assert set(outcomes) <= {"refused", "answered"}


IDLE_BLAS = """
import time
import numpy as np
import ridgeback as rb
from ridgeback.data.synthetic import power_law

data = rb.Interactions.from_csr(power_law(600, 300, 20_000, random_state=1))
model = rb.ImplicitALS(128, n_iterations=20, n_threads=1)
model.fit(data)
time.sleep(0.3)  # until whoever was woken by the first fit, or by the import, has lost patience
everybody, own = time.process_time(), time.thread_time()
model.fit(data, callbacks=[lambda fitting, record: fitting.item_factors_ is None])
own = time.thread_time() - own
print(time.process_time() - everybody - own, own)
"""


def test_no_blas_thread_waits_for_work_on_a_core_of_the_fit() -> None:
    """BLAS threads that were given work once go on asking for more; even a small product would wake them."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2"}
    result = subprocess.run([sys.executable, "-c", IDLE_BLAS], capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    others_s, own_s = map(float, result.stdout.split())
    assert others_s < 0.05 * own_s
