"""What this machine can do at most, and how near to it each kernel comes.

    python benchmarks/roofline.py                 # k = 64, 128 and 256
    python benchmarks/roofline.py --quick

First the machine, by a few lines of C++ compiled for it (machine_rates.cpp): reading random rows from tables of several
sizes, streaming (STREAM's triad), reading again what lies in cache, and fused multiply-adds, beside the nominal peak:
clock times width times two units. Then each kernel on made-up data. A kernel cannot be faster than

- arithmetic:  its multiply-adds at the measured peak of its number format
- gather:      the neighbours' rows once, at the rate measured with the very table and neighbours of the run
- cache:       (conjugate gradient) a row's gathered neighbours once a product, at the rate of the second-level cache

whichever is longest; a kernel that overlaps them perfectly would take just that. Everything runs on one thread, and
seconds are that thread's own: the clock stands while another process has the processor. Caches and memory are still
shared with it, so figures are medians and the best of several repeats, kernel and limits taking turns.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from results import parse, save, say, table
from ridgeback.data.csr import Csr
from ridgeback.data.synthetic import power_law
from ridgeback.solvers import native
from ridgeback.solvers.matrices import gram
from ridgeback.solvers.problem import RowProblem

HERE = Path(__file__).resolve().parent
TABLE_MEGABYTES = (1, 8, 64, 512, 2048)
CACHED_BYTES = 512 << 10
CG_STEPS = (1, 5)


class Machine:
    """The functions of machine_rates.cpp, compiled for this processor."""

    def __init__(self) -> None:
        compiler = os.environ.get("CXX") or next((name for name in ("c++", "g++", "clang++") if shutil.which(name)), "")
        if not compiler:
            raise SystemExit("No C++ compiler found; install g++ or name one in CXX.")
        self._directory = tempfile.TemporaryDirectory()
        library = Path(self._directory.name) / "machine_rates.so"
        options = ["-std=c++20", "-O3", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC"]
        subprocess.run([*compiler.split(), *options, str(HERE / "machine_rates.cpp"), "-o", str(library)], check=True)
        self.functions = ctypes.CDLL(str(library))
        for name in ("multiply_add_float32", "multiply_add_float64", "chain_of_additions", "gather_rows", "triad"):
            getattr(self.functions, name).restype = ctypes.c_double
        self.functions.read_again.restype = ctypes.c_double
        self.register_bytes = int(self.functions.register_bytes())

    def rate(self, name: str, *arguments: Any) -> float:
        """What one call did a second."""
        converted = [
            ctypes.c_void_p(argument.ctypes.data) if isinstance(argument, np.ndarray) else ctypes.c_int64(argument)
            for argument in arguments
        ]
        begin = time.thread_time()
        done = getattr(self.functions, name)(*converted)
        return float(done / (time.thread_time() - begin))


@dataclass
class Samples:
    """Repeated measurements of one thing; `best` is the largest for a rate, the smallest for seconds."""

    values: list[float] = field(default_factory=list)
    is_rate: bool = True

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def best(self) -> float:
        return max(self.values) if self.is_rate else min(self.values)

    def to_dict(self) -> dict[str, Any]:
        return {"median": self.median, "best": self.best, "runs": self.values}


def measure_machine(machine: Machine, repeats: int, row_sizes: list[int], megabytes: list[int]) -> dict[str, Any]:
    """Every rate of the machine, the kinds taking turns: GB/s, GFLOP/s, GHz."""
    rng = np.random.default_rng(0)
    table = np.ones((max(megabytes) << 20) // 4, dtype=np.float32)
    streams = [np.ones(32 << 20, dtype=np.float32) for _ in range(3)]
    buffer = np.zeros(64 * max(row_sizes), dtype=np.float32)
    rates: dict[str, Samples] = {}

    def take(name: str, *arguments: Any, as_name: str = "") -> None:
        rates.setdefault(as_name or name, Samples()).values.append(machine.rate(name, *arguments) / 1e9)

    for _ in range(repeats):
        take("chain_of_additions", 5_000_000, as_name="clock_ghz")
        take("multiply_add_float32", 5_000_000, as_name="float32_gflops")
        take("multiply_add_float64", 5_000_000, as_name="float64_gflops")
        take("triad", *streams, streams[0].size, as_name="triad_gbs")
        take("read_again", table, CACHED_BYTES // 4, 1000, buffer, as_name="cache_gbs")
        take("read_again", table, (16 << 10) // 4, 32000, buffer, as_name="first_level_cache_gbs")
        for k in row_sizes:
            for size in megabytes:
                rows = rng.integers(0, (size << 20) // (4 * k), (256 << 20) // (4 * k), dtype=np.int32)
                take("gather_rows", table, rows, rows.size, k, buffer, as_name=f"gather_k{k}_{size}mb_gbs")
    return {name: samples.to_dict() for name, samples in rates.items()}


@dataclass
class Kernel:
    """One kernel's work: how to run it, and what it cannot avoid."""

    name: str
    k: int
    run: Callable[[], None]
    flops: float
    flops_of: str  # "float32" or "float64"
    gathered: tuple[np.ndarray, np.ndarray] | None  # the table and the rows read from it
    cached_bytes: float = 0.0
    streamed_bytes: float = 0.0
    seconds: Samples = field(default_factory=lambda: Samples(is_rate=False))
    gather_s: Samples = field(default_factory=lambda: Samples(is_rate=False))


def kernels_of(rows: Csr, k: int) -> list[Kernel]:
    """Gramian, exact rows and conjugate-gradient rows of one half-step at k factors."""
    rng = np.random.default_rng(k)
    fixed = rng.normal(scale=0.3, size=(rows.shape[1], k)).astype(np.float32)
    own = np.zeros((rows.n_rows, k), dtype=np.float32)
    values = np.linspace(2.0, 1.0, k)
    problem = RowProblem(rows=rows, ridges=np.ones(rows.n_rows), pull="weight", unobserved_weight=0.1)
    tall = rng.normal(size=(max(50_000, 3_000_000 // k), k)).astype(np.float32)
    nnz, n_full = rows.nnz, int(np.count_nonzero(rows.counts()))

    def gramian() -> None:
        gram(tall)

    def exact() -> None:
        native.solve_exact(problem, fixed, None, own, None, np.diag(values))

    def conjugate_gradient(n_steps: int) -> Callable[[], None]:
        def run() -> None:
            own[:] = 0.01
            native.solve_cg(problem, fixed, None, own, None, values, n_steps=n_steps)

        return run

    gathered = (fixed, rows.indices)
    cg = [
        Kernel(
            f"conjugate gradient, {n} steps",
            k,
            conjugate_gradient(n),
            flops=nnz * 2.0 * k * (1 + 2 * (1 + n)) + n_full * n * 12.0 * k,
            flops_of="float32",
            gathered=gathered,
            cached_bytes=nnz * 4.0 * k * (1 + n),
        )
        for n in CG_STEPS
    ]
    return [
        Kernel(
            "gram",
            k,
            gramian,
            flops=len(tall) * float(k * (k + 1)),
            flops_of="float64",
            gathered=None,
            streamed_bytes=float(tall.nbytes),
        ),
        Kernel(
            "exact rows",
            k,
            exact,
            flops=nnz * (k * (k + 1.0) + 3 * k) + n_full * (k**3 / 3 + 6.0 * k * k),
            flops_of="float32",
            gathered=gathered,
        ),
        *cg,
    ]


def measure_kernels(machine: Machine, kernels: list[Kernel], repeats: int) -> None:
    """Fill the kernels' samples; each kernel is followed by its own gather, so that both meet the same neighbours."""
    for _ in range(repeats):
        for kernel in kernels:
            begin = time.thread_time()
            kernel.run()
            kernel.seconds.values.append(time.thread_time() - begin)
            if kernel.gathered is not None:
                table, rows = kernel.gathered
                buffer = np.zeros(64 * kernel.k, dtype=np.float32)
                rate = machine.rate("gather_rows", table, rows, rows.size, kernel.k, buffer)
                kernel.gather_s.values.append(4.0 * kernel.k * rows.size / rate)


def single_step(kernels: list[Kernel]) -> list[Kernel]:
    """One step of conjugate gradient out of the difference of two runs, beside the kernels themselves."""
    few, many = (next(kernel for kernel in kernels if kernel.name.endswith(f" {n} steps")) for n in CG_STEPS)
    n = CG_STEPS[1] - CG_STEPS[0]
    step = Kernel(
        "one more step of it",
        few.k,
        few.run,
        flops=(many.flops - few.flops) / n,
        flops_of="float32",
        gathered=None,
        cached_bytes=(many.cached_bytes - few.cached_bytes) / n,
    )
    step.seconds.values = [(a - b) / n for a, b in zip(many.seconds.values, few.seconds.values, strict=True)]
    return [*kernels, step]


def judge(kernel: Kernel, machine: dict[str, Any]) -> dict[str, Any]:
    """Seconds achieved beside the seconds of each limit, best against best."""
    limits = {"arithmetic": kernel.flops / (1e9 * machine[f"{kernel.flops_of}_gflops"]["best"])}
    if kernel.gather_s.values:
        limits["gather"] = kernel.gather_s.best
    if kernel.cached_bytes:
        limits["cache"] = kernel.cached_bytes / (1e9 * machine["cache_gbs"]["best"])
    if kernel.streamed_bytes:
        limits["stream"] = kernel.streamed_bytes / (1e9 * machine["triad_gbs"]["best"])
    binding = max(limits, key=lambda name: limits[name])
    return {
        "kernel": kernel.name,
        "k": kernel.k,
        "seconds": kernel.seconds.to_dict(),
        "gflops": kernel.flops / kernel.seconds.best / 1e9,
        "limits_s": limits,
        "binding_limit": binding,
        "times_the_limit": kernel.seconds.best / limits[binding],
        "times_the_limit_median": kernel.seconds.median / limits[binding],
    }


def nominal(machine: Machine) -> dict[str, float]:
    """Peak by the book: clock times numbers a register times two operations times two units."""
    clock = 0.0
    if Path("/proc/cpuinfo").exists():
        found = re.search(r"cpu MHz\s*:\s*([\d.]+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
        clock = float(found.group(1)) / 1000 if found else 0.0
    return {
        "clock_ghz": clock,
        "register_bytes": float(machine.register_bytes),
        "float32_gflops": clock * machine.register_bytes,
        "float64_gflops": clock * machine.register_bytes / 2,
    }


def machine_table(rates: dict[str, Any], peak: dict[str, float]) -> str:
    """The machine's rates as Markdown."""
    rows = []
    for name, rate in rates.items():
        by_the_book = f"{peak[name]:.1f}" if peak.get(name) else ""
        rows.append((name, f"{rate['median']:.1f}", f"{rate['best']:.1f}", by_the_book))
    return table(("", "median", "best", "nominal"), rows)


def cells(row: dict[str, Any]) -> list[str]:
    """A kernel beside its limits."""
    return [
        row["kernel"],
        str(row["k"]),
        f"{row['seconds']['median']:.4f} ({row['seconds']['best']:.4f})",
        f"{row['gflops']:.1f}",
        ", ".join(f"{name} {seconds:.4f}" for name, seconds in row["limits_s"].items()),
        row["binding_limit"],
        f"{row['times_the_limit']:.2f} ({row['times_the_limit_median']:.2f})",
    ]


HEADER = ("kernel", "k", "seconds, median (best)", "GFLOP/s, best", "limits, s", "binding", "times it, best (median)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-users", type=int, default=60_000)
    parser.add_argument("--n-items", type=int, default=15_000)
    parser.add_argument("--n-interactions", type=int, default=3_000_000)
    parser.add_argument("--n-factors", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--table-megabytes", type=int, nargs="+", default=list(TABLE_MEGABYTES))
    quick = {"n_users": 6_000, "n_items": 1_500, "n_interactions": 300_000, "n_factors": [64]}
    arguments = parse(parser, "roofline", quick | {"table_megabytes": [1, 64]})

    machine = Machine()
    say("measuring the machine")
    rates = measure_machine(machine, arguments.repeats, arguments.n_factors, arguments.table_megabytes)
    peak = nominal(machine)
    by_user = power_law(arguments.n_users, arguments.n_items, arguments.n_interactions, arguments.random_state)
    sides = {"users": by_user, "items": by_user.transpose()}
    rows = []
    for k in arguments.n_factors:
        for side, matrix in sides.items():
            say(f"k = {k}, {side}")
            kernels = [kernel for kernel in kernels_of(matrix, k) if side == "users" or kernel.name != "gram"]
            measure_kernels(machine, kernels, arguments.repeats)
            rows += [judge(kernel, rates) | {"side": side} for kernel in single_step(kernels)]
    for row in rows:
        row["kernel"] += "" if row["kernel"] == "gram" else f" ({row['side']})"
    print(show(save("roofline", arguments, rows, nominal=peak, rates=rates)))


def show(report: dict[str, Any]) -> str:
    """Both tables of a result."""
    kernels = table(HEADER, [cells(row) for row in report["rows"]])
    return f"{machine_table(report['rates'], report['nominal'])}\n\n{kernels}"


if __name__ == "__main__":
    main()
