"""What a fit takes of memory: both orientations of the data, the factors once, and little else."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PEAK = """
import sys
import numpy as np
import ridgeback as rb
from ridgeback.data.synthetic import power_law

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

family, has_values = sys.argv[1], sys.argv[2] == "values"
matrix = power_law(80_000, 20_000, 5_000_000, random_state=0)
if has_values:
    matrix = matrix.with_data((matrix.indices % 5 + 1).astype(np.float32))
data = rb.Interactions.from_csr(matrix)
class_ = {"implicit": rb.ImplicitALS, "explicit": rb.ExplicitALS}[family]
small = data.subset(np.arange(data.nnz) < 1000)
class_(8, n_iterations=1, n_threads=2).fit(small)  # what libraries take once and keep
del small
before = status("VmRSS")
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak begins here
model = class_(64, n_iterations=1, n_threads=2).fit(data)
added = status("VmHWM") - before
factors = model.user_factors_.nbytes + model.item_factors_.nbytes
print(added + matrix.nbytes, matrix.nbytes + data.item_users.nbytes + factors)
"""


@pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK), reason="platform: no way to ask for the peak of memory since now"
)
@pytest.mark.parametrize("arguments", [("implicit", "bare"), ("implicit", "values"), ("explicit", "values")])
def test_the_peak_of_a_fit(arguments: tuple[str, str]) -> None:
    """At most 1.25 times both orientations and the factors, the data that were there before counted in."""
    command = [sys.executable, "-c", PEAK, *arguments]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    taken, needed = map(int, result.stdout.split())
    assert taken <= 1.25 * needed, taken / needed
    assert taken > 0.8 * needed  # or the measure measures nothing
