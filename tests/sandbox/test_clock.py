"""The clock that tests move."""

from pathlib import Path

import pytest

from wechat_sandbox.clock import OffsetFixedByFile, SandboxClock


def clock_at(file: Path | None) -> SandboxClock:
    return SandboxClock(clock_file=file, real_time_s=lambda: 1000.0)


def test_absent_and_empty_files_mean_no_offset(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    clock = clock_at(file)
    assert clock.now_s() == 1000
    file.write_text("")
    assert clock.now_s() == 1000


def test_file_is_read_anew_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    clock = clock_at(file)
    file.write_text("3600\n")
    assert clock.now_s() == 4600
    file.write_text("-10.5")
    assert clock.now_s() == 989.5
    file.unlink()
    assert clock.now_s() == 1000


def test_replaced_file_is_noticed_even_at_the_same_size(tmp_path: Path) -> None:
    file, aside = tmp_path / "clock", tmp_path / "aside"
    clock = clock_at(file)
    for offset in range(100, 160):
        aside.write_text(str(offset))
        aside.rename(file)
        assert clock.offset_s() == offset


def test_half_written_file_keeps_the_last_good_offset(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    clock = clock_at(file)
    file.write_text("60")
    assert clock.offset_s() == 60
    file.write_text("-")
    assert clock.offset_s() == 60


def test_offset_can_be_set_only_without_a_file(tmp_path: Path) -> None:
    free = clock_at(None)
    free.set_offset(offset_s=5)
    assert free.now_s() == 1005
    with pytest.raises(OffsetFixedByFile):
        clock_at(tmp_path / "clock").set_offset(offset_s=5)
