"""Which files of this package a model needs to run: those that its imports reach, read and not executed."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_NAME = _PACKAGE.name
#: Read by the module beside them.
_DATA_SUFFIXES = frozenset({".csv", ".txt", ".tsv"})
_OPENER = f"{_NAME}.inference.exported"
_VERIFIER = f"{_NAME}.inference.verification"


@dataclass(frozen=True)
class CodePaths:
    """What is copied, and what has to be installed.

    Attributes:
        modules: dotted names, sorted.
        files: below the package's parent, sorted; modules and the tables that they read.
        packages: top-level names of other packages that the modules import.
    """

    modules: tuple[str, ...]
    files: tuple[str, ...]
    packages: tuple[str, ...]

    def copy(self, target: Path) -> None:
        """Lay the files out below ``target``."""
        for name in self.files:
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(_PACKAGE.parent / name, place)


def code_paths(model: str, auxiliaries: Iterable[str]) -> CodePaths:
    """The code that opens an exported ``model`` and the networks that serve it.

    The catalogue imports models by name, so their modules are roots; everything else is found from there.
    """
    own = f"{_NAME}.models.{model}"
    roots = [_OPENER, _VERIFIER, *(f"{own}.{part}" for part in ("params", "spec", "rendering"))]
    roots += [f"{_NAME}.auxiliaries.{name}.params" for name in auxiliaries]
    pending, reached, packages = [root for root in roots if _file(root)], set[str](), set[str]()
    while pending:
        name = pending.pop()
        for module in _with_parents(name):
            if module in reached:
                continue
            reached.add(module)
            for imported in _imports(module):
                if imported.partition(".")[0] == _NAME:
                    pending.append(imported)
                else:
                    packages.add(imported.partition(".")[0])
    return CodePaths(tuple(sorted(reached)), tuple(sorted(_files(reached))), tuple(sorted(packages)))


def _files(modules: Iterable[str]) -> set[str]:
    found = {path for module in modules if (path := _file(module))}
    tables = {
        table
        for folder in {path.parent for path in found}
        for table in folder.iterdir()
        if table.suffix in _DATA_SUFFIXES
    }
    return {path.relative_to(_PACKAGE.parent).as_posix() for path in found | tables}


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


@cache
def _file(module: str) -> Path | None:
    base = _PACKAGE.parent.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


@cache
def _imports(module: str) -> tuple[str, ...]:
    """Modules that a module names anywhere, within functions too; those for type checkers are left out."""
    path = _file(module)
    if path is None:
        return ()
    return tuple(dict.fromkeys(_named(_executed(ast.parse(path.read_text(encoding="utf-8"))))))


def _named(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (one for one in inner if node.module.startswith(_NAME) and _file(one))
            yield node.module


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from _executed(child)
