import os

import pytest

from ridgeback import cpus


def write_quota(root, **files):
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({"cpu_dot_max": "max 100000\n"}, None),
        ({"cpu_dot_max": "150000 100000\n"}, 2),
        ({"cpu_dot_max": "100000 100000\n"}, 1),
        ({"cpu_dot_max": "nonsense"}, None),
        ({"cpu__cpu_dot_cfs_quota_us": "-1\n", "cpu__cpu_dot_cfs_period_us": "100000\n"}, None),
        ({"cpu__cpu_dot_cfs_quota_us": "250000\n", "cpu__cpu_dot_cfs_period_us": "100000\n"}, 3),
    ],
)
def test_quota_of_a_container_rounded_up(tmp_path, files, quota):
    write_quota(tmp_path, **files)
    assert cpus._cgroup_quota(tmp_path) == quota


def test_available_cpus_are_those_of_the_affinity_within_the_quota(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(cpus, "_cgroup_quota", lambda: 3)
    assert cpus.available_cpus() == 3
    monkeypatch.setattr(cpus, "_cgroup_quota", lambda: None)
    assert cpus.available_cpus() == 8
