"""Building without a compiler: the installation goes on, and the gateway runs on the twin and says so."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.adapter

ROOT = Path(__file__).resolve().parents[3]
ASK = """
from gateway.clock import SystemClock
from gateway.media.adapters.relay_choice import choose
choice = choose("auto", SystemClock())
print(choice.name, choice.is_second_best, choice.why)
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The sources alone, nothing built."""
    for folder in ("gateway", "loadtest/relay", "loadtest/crowd"):
        shutil.copytree(
            ROOT / folder,
            tmp_path / folder,
            ignore=shutil.ignore_patterns("*.so", "__pycache__", "pages", "assets"),
        )
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def ran(tree: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_compiler_the_twin_runs_and_says_so(tree: Path) -> None:
    built = ran(tree, "setup.py", "--quiet", "build_ext", "--inplace", CC="/bin/false")
    asked = ran(tree, "-c", ASK)

    assert built.returncode == 0, built.stderr
    assert not list(tree.rglob("*.so"))
    assert {path.parts[len(tree.parts)] for path in tree.rglob("*.c")} == {"build"}, (
        "generated beside a source"
    )
    assert asked.stdout.startswith("python True the native relay does not run: it was not built"), (
        asked.stderr
    )
