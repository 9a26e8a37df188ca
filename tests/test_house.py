"""The repository keeps the form that CONTRIBUTING and the settings promise."""

import ast
import configparser
from importlib import metadata
from pathlib import Path

import pytest

import groundup

ROOT = Path(__file__).resolve().parents[1]
ROOMS = [path.parent.name for path in ROOT.glob("*/__init__.py")]
SOURCES = sorted([*ROOT.glob("*.py"), *(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))])


def relative(path):
    return path.relative_to(ROOT).as_posix()


def test_the_tests_test_this_checkout():
    assert Path(groundup.__file__).resolve().parent == ROOT, "make clean, then make test"


def test_the_version_is_the_installed_one():
    assert groundup.__version__ == metadata.version("groundup")


def test_setup_cfg_lists_every_package():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    folders = [path.parent for path in SOURCES if path.name == "__init__.py"]
    found = {".".join(["groundup", *folder.relative_to(ROOT).parts]) for folder in folders}
    assert set(settings["options"]["packages"].split()) == found


def test_every_module_lies_in_a_package():
    homeless = {path.parent for path in SOURCES if not (path.parent / "__init__.py").exists()}
    assert not homeless


@pytest.mark.parametrize("folder", ["benchmarks", "docs", "examples", "tests"])
def test_what_lies_beside_the_package_is_no_package(folder):
    assert not list((ROOT / folder).rglob("__init__.py"))


def test_the_root_is_a_docstring_and_a_version():
    docstring, version = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8")).body
    assert isinstance(docstring, ast.Expr)
    assert isinstance(version, ast.Assign)


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_the_package_imports_itself_relatively(path):
    imported = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported.append(node.module)
    assert "groundup" not in [name.split(".")[0] for name in imported]


@pytest.mark.parametrize("path", [p for p in SOURCES if ROOT / "engine" in p.parents], ids=relative)
def test_a_file_of_the_engine_is_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
