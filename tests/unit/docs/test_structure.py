"""How the code is built: no circle of imports, and no function that is longer than a page."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

PACKAGES = ("coinsphere", "ml", "expectations", "orchestration", "webapi", "webui")
ROOT = Path(__file__).resolve().parents[3]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def test_no_module_is_in_a_circle_of_imports():
    """By whatever way, and wherever in the module the import stands."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    # `python -m coinsphere.worker` imports itself under its own name: as `__main__` it is another module.
    imports = {
        module: graph.find_modules_directly_imported_by(module) - {module}
        for module in graph.modules
    }
    assert len(imports) > 500
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle


def lengths(source: str) -> Iterator[tuple[str, int]]:
    """Each function's name, and the lines of code of its body: docstring, comments, blank lines and inner functions left out."""
    lines = source.splitlines()
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, Function):
            body = function.body[1:] if ast.get_docstring(function) else function.body
            inner = {
                number
                for node in ast.walk(function)
                if isinstance(node, Function) and node is not function
                for number in range(node.lineno, (node.end_lineno or 0) + 1)
            }
            numbers = range(body[0].lineno, (function.end_lineno or 0) + 1) if body else range(0)
            code = (lines[number - 1].strip() for number in numbers if number not in inner)
            yield function.name, sum(1 for line in code if line and not line.startswith("#"))


def test_functions_fit_on_a_page():
    """None has more than 40 lines of code, few more than 25, half of them 4 or fewer: docs/adr/0341."""
    counted = [
        (f"{path.relative_to(ROOT)}::{name}", count)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "node_modules" not in path.parts
        for name, count in lengths(path.read_text())
    ]
    assert len(counted) > 5_000
    assert [(name, count) for name, count in counted if count > 40] == []
    longer = sorted(name for name, count in counted if count > 25)
    assert len(longer) < 32, longer


def test_what_is_counted_of_a_function():
    source = '''
def outer(
    first,
):
    """Says what it is."""
    # Why.
    value = call(
        first
    )

    def inner():
        return value

    return inner
'''
    assert dict(lengths(source)) == {"outer": 4, "inner": 1}
