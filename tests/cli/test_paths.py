"""Paths are checked before any work, and the message says what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ridgeback.cli.application import Failure
from ridgeback.cli.paths import check_input, check_not_among, check_output


def test_the_closest_name_is_named(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").touch()
    check_input(str(tmp_path / "ratings.csv"))
    with pytest.raises(Failure, match=r"rating.csv: no such file; did you mean .*/ratings.csv\?"):
        check_input(str(tmp_path / "rating.csv"))
    with pytest.raises(Failure, match=r"xyz: no such file; .* has no such name\."):
        check_input(str(tmp_path / "xyz"))
    with pytest.raises(Failure, match=r"no such file; there is no directory .*/nowhere either\."):
        check_input(str(tmp_path / "nowhere" / "a.csv"))


def test_directories_and_empty_names(tmp_path: Path) -> None:
    for check in (check_input, check_output):
        with pytest.raises(Failure, match="is a directory; give"):
            check(str(tmp_path))
        with pytest.raises(Failure, match=r"path.* is empty"):
            check("")


def test_output_in_a_directory_that_is_not_there(tmp_path: Path) -> None:
    check_output(str(tmp_path / "new.ridge"))
    with pytest.raises(Failure, match=r"there is no directory .*/a; make it with 'mkdir -p .*/a'\."):
        check_output(str(tmp_path / "a" / "new.ridge"))
    (tmp_path / "file").touch()
    with pytest.raises(Failure, match="file is not a directory"):
        check_output(str(tmp_path / "file" / "new.ridge"))


def test_a_device_is_never_replaced() -> None:
    with pytest.raises(Failure, match="/dev/null is a device or a pipe"):
        check_output("/dev/null")
    assert not Path("/dev/null").is_file()


def test_the_input_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "events.csv").touch()
    (tmp_path / "link.ridge").symlink_to("events.csv")
    check_not_among(str(tmp_path / "new.ridge"), (str(tmp_path / "events.csv"), None))
    for output in ("events.csv", "link.ridge"):
        with pytest.raises(Failure, match="which would be lost; give the output another name"):
            check_not_among(str(tmp_path / output), (None, str(tmp_path / "events.csv")))


@pytest.mark.skipif(os.geteuid() == 0, reason="platform: root may write and read everywhere")
def test_rights(tmp_path: Path) -> None:
    (tmp_path / "secret").touch(mode=0)
    with pytest.raises(Failure, match="permission denied"):
        check_input(str(tmp_path / "secret"))
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(Failure, match="permission denied"):
        check_output(str(tmp_path / "closed" / "new.ridge"))


def test_rights_as_the_system_reports_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").touch()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(Failure, match="cannot be read: permission denied"):
        check_input(str(tmp_path / "secret"))
    with pytest.raises(Failure, match="cannot be written: permission denied in"):
        check_output(str(tmp_path / "new.ridge"))
