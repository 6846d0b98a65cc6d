"""What `pip install` gives: small, typed, and enough for every command of the README that needs no checkout."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from shutil import copytree

import pytest

from tests.manual import ROOT, commands, small

OUTSIDE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # where this checkout is not seen
PACKAGES = ("sim", "trained", "blocks", "flowgraphs")
ANYWHERE = [c for c in commands(ROOT / "README.md") if not (c.needs_checkout or c.not_run)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy: what an earlier build left in build/ would go into this one."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (source / name).symlink_to(ROOT / name)
    for name in PACKAGES:
        copytree(ROOT / name, source / name, copy_function=os.symlink)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", out, source)
    [file] = out.glob("calibeam-*.whl")
    return file


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A Python with this wheel and what it depends on, which is taken from the environment of the tests; calibeam itself is not."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=60)
    pip("--python", folder, "install", "--no-deps", "--no-index", wheel)
    [site] = folder.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(
        "\n".join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    )  # without the .pth files in there, so without this checkout
    return folder / "bin"


def pip(*arguments):
    quiet = ("--quiet", "--disable-pip-version-check")
    done = subprocess.run(
        [sys.executable, "-m", "pip", *quiet, *map(str, arguments)], env=OUTSIDE, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_the_wheel_is_small_typed_and_without_the_weights_of_compared_methods(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert wheel.stat().st_size <= 25e6
    assert not [name for name in names if "compared" in name]
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    assert "trained/weights/calibrated-m64.safetensors" in names


@pytest.mark.timeout(600)
def test_the_commands_of_the_readme_run_from_an_empty_folder(environment, tmp_path):
    """In their order, for some use what those before them have made."""
    variables = OUTSIDE | {"CALIBEAM_WEIGHTS": str(tmp_path / "weights"), "COLUMNS": "300"}
    folder = tmp_path / "empty"
    folder.mkdir()

    def run(*words):
        command = [environment / words[0], *words[1:]]
        done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr or done.stdout}"
        return done.stdout

    assert str(environment.parent) in run("python", "-c", "import trained; print(trained.__file__)")
    assert len(ANYWHERE) >= 5
    for command in ANYWHERE:
        sizes = small(run(*(word for word in command.words if word != "--help"), "--help"))
        run(*command.words, *sizes)
