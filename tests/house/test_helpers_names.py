"""Every name that a lab takes from `helpers` is there."""

import ast
import importlib

import pytest

from labkit import lab_source


@pytest.mark.parametrize("slug", lab_source.labs())
def test_names_that_a_lab_takes_from_helpers_exist(slug):
    tree = ast.parse(lab_source.script(slug).read_text(encoding="utf-8"))
    modules = {
        alias.asname or alias.name: importlib.import_module(f"helpers.{alias.name}")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "helpers"
        for alias in node.names
    }
    assert "checks" in modules
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = modules.get(node.value.id)
            assert module is None or hasattr(module, node.attr), f"{node.value.id}.{node.attr}"
