"""Docstrings of functions are imperative, where ruff's D401 knows too few verbs to see it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: `Tells whether`, `Films of`: a verb in the third person, or a noun in the plural.
OTHER_MOOD = re.compile(r"[A-Z][a-z]*[^\Ws]s\b")


def functions(package):
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                marks = [ast.unparse(each) for each in node.decorator_list]
                if not any("property" in each for each in marks):
                    yield path, node


@pytest.mark.parametrize("package", ["cxr_tf", "pipelines", "tools"])
def test_docstrings_of_public_functions_say_what_to_do(package):
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {text.splitlines()[0]}"
        for path, node in functions(package)
        if not node.name.startswith("_") and OTHER_MOOD.match(text := ast.get_docstring(node) or "")
    ]
    assert found == []
