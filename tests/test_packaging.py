"""The wheel and the source distribution, built, installed into an empty environment and used.

No network: the build uses the setuptools that is installed here (an extra of `dev`), and numpy
is lent to the empty environment, which never sees anything else of this one.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ["commands", "engine", "models", "nn", "tour", "train", "viz"]
BESIDE = ["benchmarks", "docs", "examples", "tests"]
CACHES = shutil.ignore_patterns("__pycache__", "*.py[cod]", ".ipynb_checkpoints")

pytestmark = pytest.mark.slow


def run(*command, cwd, lent=()):
    """The output of a command that sees, of this environment, only what is lent to it."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    path = os.pathsep.join(map(str, lent))
    result = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=inherited | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def lend(folder, *names):
    """A folder that holds links to these installed distributions, and to nothing else."""
    folder.mkdir()
    for name in names:
        distribution = metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or [] if file.parts[0] != ".."}:
            (folder / top).symlink_to(distribution.locate_file(top))
    return folder


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """What a clone of the repository holds, without anything that was made in it since."""
    copy = tmp_path_factory.mktemp("build") / "checkout"
    copy.mkdir()
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, copy)
        elif path.name in {*ROOMS, *BESIDE, ".ci"}:
            shutil.copytree(path, copy / path.name, ignore=CACHES)
    return copy


@pytest.fixture(scope="module")
def sdist(checkout):
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", checkout, cwd=checkout)
    return next((checkout / "dist").glob("*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(checkout):
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", checkout, cwd=checkout)
    return next((checkout / "dist").glob("*.whl"))


def files_below(checkout, folders):
    paths = [path for folder in folders for path in (checkout / folder).rglob("*")]
    return {path.relative_to(checkout).as_posix() for path in paths if path.is_file()}


def test_the_wheel_holds_the_package_and_nothing_else(checkout, wheel):
    version = wheel.name.split("-")[1]
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    inside = {name for name in names if not name.startswith(f"groundup-{version}.dist-info/")}
    package = {"__init__.py", "__main__.py", "py.typed"} | files_below(checkout, ROOMS)
    assert inside == {f"groundup/{name}" for name in package}


def test_the_source_distribution_holds_all_that_a_checkout_holds(checkout, sdist):
    with tarfile.open(sdist) as archive:
        names = {Path(*Path(member.name).parts[1:]).as_posix() for member in archive}
    wanted = files_below(checkout, [*ROOMS, *BESIDE, ".ci"]) | {"Makefile", "README.md", "LICENSE"}
    assert wanted - names == set()


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_installed_into_an_empty_environment(kind, request, tmp_path):
    environment = tmp_path / "environment"
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    archive = request.getfixturevalue(kind)
    setuptools = lend(tmp_path / "setuptools", "setuptools")
    install = [*pip, "install", "--no-deps", "--no-index", "--no-build-isolation", archive]
    run(*install, cwd=tmp_path, lent=[setuptools])

    find = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site_packages = Path(run(python, "-c", find, cwd=tmp_path).strip())
    installed = {path.name.split("-")[0] for path in site_packages.iterdir()}
    assert installed == {"groundup"}
    assert (environment / "bin" / "groundup").exists()

    # numpy alone: graphviz, hypothesis and the extras are not there.
    use = (
        "from groundup.engine import Tensor, Value\n"
        "from groundup.engine.check import gradcheck\n"
        "from groundup import nn, models\n"
        "x = Value(3.0); (x * x).backward(); print(x.grad, nn.__file__)"
    )
    numpy = lend(tmp_path / "numpy", "numpy")
    grad, file = run(python, "-c", use, cwd=tmp_path, lent=[numpy]).split(maxsplit=1)
    assert float(grad) == 6.0
    assert site_packages.resolve() in Path(file.strip()).resolve().parents
