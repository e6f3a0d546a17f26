"""Functions that a lab defines in its story, without running the lab."""

import ast

from labkit import lab_source


def functions(slug, names):
    """Source of the functions of these names, as the lab has them.

    Parameters
    ----------
    slug : str
    names : set of str

    Returns
    -------
    str
    """
    text = lab_source.script(slug).read_text(encoding="utf-8")
    found = {
        node.name: ast.get_source_segment(text, node)
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.name in names
    }
    assert set(found) == set(names)
    return "\n\n".join(found.values())
