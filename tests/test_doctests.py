"""Every example in a docstring of groundup is run.

Each module is imported by its real name; pytest's own --doctest-modules would load it a second
time, under the name that its path suggests.
"""

import doctest
import importlib
import pkgutil

import pytest

import groundup

MODULES = [
    "groundup",
    *(
        module.name
        for module in pkgutil.walk_packages(groundup.__path__, "groundup.")
        if module.name != "groundup.__main__"
    ),
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    if name.startswith("groundup.engine.fast."):
        pytest.importorskip("numba")  # which its loops are written for, and which may be absent
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert not failed
