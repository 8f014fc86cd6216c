"""In which order functions are entered, as their source tells it: nothing is run."""

import ast
from collections.abc import Collection, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


class Module:
    """A module's functions and methods by dotted name, and what its imported names stand for."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.functions: dict[str, ast.AST] = {}
        self.imports: dict[str, str] = {}
        tree = ast.parse(source)
        self._collect(tree.body, name)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    self.imports[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def _collect(self, body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, _FUNCTION):
                self.functions[f"{prefix}.{node.name}"] = node
            elif isinstance(node, ast.ClassDef):
                self._collect(node.body, f"{prefix}.{node.name}")


@cache
def module(name: str) -> Module | None:
    """The module of that dotted name, where it is one of ours."""
    path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
    return Module(name, path.read_text()) if path.is_file() else None


def _home(name: str) -> Module | None:
    """The module that a function's, class's or method's dotted name lies in."""
    parts = name.split(".")
    homes = (module(".".join(parts[:length])) for length in range(len(parts), 0, -1))
    return next((home for home in homes if home), None)


class Trace:
    """Enters functions as a run would that takes each branch, each of them once."""

    def __init__(self, awaited: Collection[str]) -> None:
        self.entered: dict[str, None] = {}
        self._awaited = awaited

    def enter(self, name: str) -> None:
        """Go into the function of that dotted name, and from there on."""
        home = _home(name)
        function = home and home.functions.get(name)
        if home and function and name not in self.entered:
            self.entered[name] = None
            self._walk(function, home)

    def _walk(self, node: ast.AST, home: Module) -> None:
        for child in ast.iter_child_nodes(node):
            self._walk(child, home)
        for callee in self._named(node, home):
            self.enter(callee)

    def _named(self, node: ast.AST, home: Module) -> Iterator[str]:
        """What a name or an attribute may stand for: a function, a class that is made, a method."""
        if isinstance(node, ast.Name):
            yield from _callables(home.imports.get(node.id, f"{home.name}.{node.id}"))
        elif isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id in home.imports:
                yield from _callables(f"{home.imports[node.value.id]}.{node.attr}")
            else:
                yield from self._methods(node.attr, home)

    def _methods(self, attribute: str, home: Module) -> Iterator[str]:
        """Methods of that name: of a class that the module knows, or one that is awaited."""
        modules = {home, *filter(None, map(_home, home.imports.values()))}
        for known in sorted(modules, key=lambda each: each.name):
            for function in known.functions:
                if function.endswith(f".{attribute}") and _is_method(function, known):
                    yield function
        yield from (awaited for awaited in self._awaited if awaited.endswith(f".{attribute}"))


def _callables(name: str) -> Iterator[str]:
    yield from (name, f"{name}.__init__", f"{name}.__call__")


def _is_method(function: str, home: Module) -> bool:
    return function.count(".") > home.name.count(".") + 1


def entered(start: str, names: Collection[str]) -> list[str]:
    """Those of `names` that `start` reaches, itself among them, in the order in which they are entered first."""
    trace = Trace(names)
    trace.enter(start)
    return [name for name in trace.entered if name in names]


def out_of_order(names: list[str]) -> list[tuple[str, str]]:
    """Neighbours of which neither calls the second, nor the first of all names both in this order."""
    order = entered(names[0], names)
    place = {name: order.index(name) for name in order}
    return [
        (name, following)
        for name, following in pairwise(names)
        if following not in entered(name, names)
        and not place.get(name, len(order)) < place.get(following, -1)
    ]
