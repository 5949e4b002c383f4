"""The layers of ARCHITECTURE.md, held against every import in the package and every include of the native core.

The checker is a function of module name and source text, so that each rule is also shown to catch what breaks it.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = REPOSITORY / "src" / "ridgeback"

# Lowest first: a module imports from its own layer and from those before it.
LAYERS = [
    "_version",
    "errors",
    "cpus",
    "plain_text",
    "_native",
    "charts",
    "objective",
    "data",
    "solvers",
    "trace",
    "metrics",
    "recommend",
    "storage",
    "models",
    "examples",
    "evaluation",
    "tuning",
]
FRONT_DOORS = {"cli", "serving", "studio", "spark"}
NATIVE_CALLERS = {"data", "solvers", "recommend", "cli"}
# The command line, the narrator of traces and the progress reader.
TERMINAL_WRITERS = {"ridgeback.cli", "ridgeback.trace.terminal", "ridgeback.models.progress"}
HTTP_LIBRARIES = {
    "aiohttp",
    "fastapi",
    "flask",
    "http",
    "httpx",
    "requests",
    "socketserver",
    "starlette",
    "urllib3",
    "uvicorn",
}
HTTP_LAYERS = {"serving", "studio"}
TERMINAL_LIBRARIES = {"click", "rich"}
VAGUE_NAMES = {"common", "helper", "helpers", "misc", "util", "utils"}
C_HEADERS = {"cfloat", "climits", "cmath", "cstddef", "cstdint", "cstring"}
# What a caller may already have: imported inside functions only, never required.
OPTIONAL_PACKAGES = {"anywidget", "optuna", "pandas", "polars", "pyarrow", "scipy", "sqlalchemy", "traitlets"}


@dataclass(frozen=True)
class Import:
    """One imported name, absolute, with where it stands."""

    target: str
    line: int
    is_lazy: bool  # inside a function, or for type checkers only


def imports_of(module: str, source: str, *, is_package: bool = False) -> Iterator[Import]:
    """Every import of a module's source, relative ones resolved, one entry a name."""

    def visit(node: ast.AST, is_lazy: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, is_lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".") if is_package else module.split(".")[:-1]
                anchor = ".".join(parents[: len(parents) - node.level + 1])
                base = f"{anchor}.{base}" if base else anchor
            yield from (Import(f"{base}.{alias.name}", node.lineno, is_lazy) for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.body:
                yield from visit(child, True)
            for child in node.orelse:
                yield from visit(child, is_lazy)
        else:
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for child in ast.iter_child_nodes(node):
                yield from visit(child, is_lazy or is_function)

    yield from visit(ast.parse(source), False)


def layer_of(module: str) -> str:
    """The part of the package that a module belongs to: the first name below ``ridgeback``, or "" for the root."""
    return module.split(".")[1] if "." in module else ""


def may_write(module: str) -> bool:
    """Whether a module, or the package that it is in, may write to a terminal."""
    return any(module == writer or module.startswith(f"{writer}.") for writer in TERMINAL_WRITERS)


def layer_violations(layer: str, imported: Import) -> Iterator[str]:
    """Imports inside the package that do not go down."""
    target = layer_of(imported.target)
    if target == "__version__":
        target = "_version"
    if target == "_native" and layer not in NATIVE_CALLERS:
        yield f"only {sorted(NATIVE_CALLERS)} call the native module"
    if layer in ("", "__main__", *FRONT_DOORS):  # the root re-exports by name; the front doors may use everything
        if target in FRONT_DOORS and target != layer and layer != "__main__":
            yield f"nothing imports the front door {target}"
    elif target in FRONT_DOORS:
        yield f"nothing imports the front door {target}"
    elif layer not in LAYERS:
        yield f"{layer} has no place in the layers: {LAYERS} and the front doors {sorted(FRONT_DOORS)}"
    elif target not in LAYERS:
        yield f"{imported.target} is not a layer; import a name from the module that defines it"
    elif LAYERS.index(target) > LAYERS.index(layer):
        yield f"{layer} is below {target} and must not import it"


def package_violations(module: str, imported: Import, required: set[str]) -> Iterator[str]:
    """Imports from outside the package that are not declared or not for this layer."""
    layer, package = layer_of(module), imported.target.partition(".")[0]
    if package in HTTP_LIBRARIES or imported.target.startswith("urllib.request"):
        if layer not in HTTP_LAYERS:
            yield f"{package}: only {sorted(HTTP_LAYERS)} speak HTTP"
    elif package == "logging":
        yield "the library does not log: progress is records, warnings are RidgebackWarning"
    elif package in sys.stdlib_module_names:
        return
    elif package in TERMINAL_LIBRARIES and not may_write(module):
        yield f"{package}: only {sorted(TERMINAL_WRITERS)} write to a terminal"
    elif package in OPTIONAL_PACKAGES:
        if not imported.is_lazy:
            yield f"{package} is optional: import it inside the function that needs it"
    elif package not in required:
        yield f"{package} is not among the dependencies in pyproject.toml"


def violations(module: str, source: str, required: set[str], *, is_package: bool = False) -> list[str]:
    """Every rule that one module's source breaks, as ``module:line: reason``."""
    layer = layer_of(module)
    found = []
    for imported in imports_of(module, source, is_package=is_package):
        is_own = imported.target.partition(".")[0] == "ridgeback"
        reasons = layer_violations(layer, imported) if is_own else package_violations(module, imported, required)
        found += [f"{module}:{imported.line}: {reason}" for reason in reasons]
    for node in ast.walk(ast.parse(source)):
        is_print = isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
        is_stream = isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.stdout", "sys.stderr")
        if (is_print or is_stream) and not may_write(module):
            found.append(f"{module}:{node.lineno}: only {sorted(TERMINAL_WRITERS)} write to a terminal")
    return found


def required_packages() -> set[str]:
    """The core dependencies that pyproject.toml declares."""
    declared = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
    return {re.split(r"[<>=!~ ;\[]", requirement)[0] for requirement in declared}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", modules(), ids=module_name)
def test_imports_go_down_only(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    found = violations(module_name(path), source, required_packages(), is_package=path.name == "__init__.py")
    assert not found, "\n".join(found)


def test_core_dependencies_are_the_promised_five() -> None:
    assert required_packages() == {"numpy", "duckdb", "click", "rich", "threadpoolctl"}


@pytest.mark.parametrize(
    ("module", "source", "reason"),
    [
        ("ridgeback.data.csr", "from ridgeback.models import load", "data is below models"),
        ("ridgeback.data.csr", "def f():\n    from ridgeback.models import load", "data is below models"),
        ("ridgeback.data.csr", "from ..solvers.native import solve_exact", "data is below solvers"),
        ("ridgeback.solvers.native", "import ridgeback.metrics.ranking", "solvers is below metrics"),
        ("ridgeback.metrics.ranking", "from ridgeback import recommend", "metrics is below recommend"),
        ("ridgeback.models.implicit", "from ridgeback import ImplicitALS", "is not a layer"),
        ("ridgeback.models.implicit", "from ridgeback.cli import main", "nothing imports the front door cli"),
        ("ridgeback.serving.app", "from ridgeback.cli import main", "nothing imports the front door cli"),
        ("ridgeback.storage.model_file", "from ridgeback import _native", "call the native module"),
        ("ridgeback.somewhere.x", "import ridgeback.errors", "no place in the layers"),
        ("ridgeback.evaluation.report", "import requests", "speak HTTP"),
        ("ridgeback.cli.fit", "from urllib.request import urlopen", "speak HTTP"),
        ("ridgeback.models.fitting", "import logging", "does not log"),
        ("ridgeback.data.frames", "import pandas as pd", "pandas is optional"),
        ("ridgeback.data.frames", "import torch", "torch is not among the dependencies"),
        ("ridgeback.data.frames", "def f():\n    import torch", "torch is not among the dependencies"),
        ("ridgeback.models.fitting", "import rich.progress", "write to a terminal"),
        ("ridgeback.models.fitting", "def f():\n    print('loss')", "write to a terminal"),
        ("ridgeback.models.fitting", "import sys\nsys.stderr.write('loss')", "write to a terminal"),
        ("ridgeback.trace.formulas", "from rich.text import Text", "write to a terminal"),
    ],
)
def test_a_source_that_breaks_a_rule_is_caught(module: str, source: str, reason: str) -> None:
    found = violations(module, source, required_packages())
    assert len(found) == 1
    assert reason in found[0]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("ridgeback.models.implicit", "from ridgeback.solvers import native\nfrom .parameters import Parameterized"),
        ("ridgeback.cli.fit", "import click\nfrom ridgeback.models import ImplicitALS\nprint('done')"),
        ("ridgeback.__main__", "from ridgeback.cli import main"),
        ("ridgeback.trace.terminal.layout", "from rich.text import Text"),
        ("ridgeback.data.frames", "def f():\n    import pandas as pd"),
        ("ridgeback.data.frames", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas"),
        ("ridgeback.storage.model_file", "from ridgeback import __version__"),
    ],
)
def test_a_source_that_keeps_the_rules_passes(module: str, source: str) -> None:
    assert violations(module, source, required_packages()) == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    roots = [PACKAGE, REPOSITORY / "native", REPOSITORY / "tests", REPOSITORY / "benchmarks"]
    named = [path for root in roots for path in root.rglob("*") if path.stem.lstrip("_") in VAGUE_NAMES]
    assert not named


def include_violations(path: str, source: str) -> list[str]:
    """Includes that are not for this folder: Python belongs in bindings/, and C++ templates stay out of kernels/."""
    found = []
    for header in re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', source, re.MULTILINE):
        if (header == "Python.h" or header.startswith("nanobind/")) and not path.startswith("bindings/"):
            found.append(f"{path}: {header} belongs in bindings/")
        if header.startswith("bindings/") and not path.startswith("bindings/"):
            found.append(f"{path}: nothing outside bindings/ includes {header}")
        if path.startswith("kernels/") and not header.endswith((".h", ".hpp")) and header not in C_HEADERS:
            found.append(
                f"{path}: <{header}> in a file compiled per instruction set would break the one definition rule"
            )
    return found


def test_native_includes() -> None:
    native = REPOSITORY / "native"
    files = sorted([*native.rglob("*.cpp"), *native.rglob("*.hpp")])
    found = [reason for f in files for reason in include_violations(f.relative_to(native).as_posix(), f.read_text())]
    assert files
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("csr.cpp", "#include <Python.h>\n"),
        ("kernels/exact.cpp", "# include <nanobind/nanobind.h>\n"),
        ("kernels/exact.cpp", "#include <vector>\n"),
        ("parallel.cpp", '#include "bindings/execution.hpp"\n'),
    ],
)
def test_an_include_that_breaks_a_rule_is_caught(path: str, source: str) -> None:
    assert len(include_violations(path, source)) == 1


def tree_in(document: str) -> set[str]:
    """The paths that the first fenced block of a document draws by indentation, folders with a slash at the end."""
    drawn = re.search(r"```text\n(.*?)```", document, re.DOTALL)
    assert drawn is not None
    paths: set[str] = set()
    parents: list[str] = []
    for line in drawn.group(1).splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 2
        parents[depth:] = [name]
        paths.add("".join(parents))
    return paths


def tree_on_disk() -> set[str]:
    """The same of the repository: top folders, those of native/, and the package's folders and first-level files."""
    made_by_tools = {"build/", "dist/", ".git/", ".github/"}
    paths = {f"{path.name}/" for path in REPOSITORY.iterdir() if path.is_dir() and holds_sources(path)} - made_by_tools
    paths |= {f"native/{path.name}/" for path in (REPOSITORY / "native").iterdir() if path.is_dir()}
    paths.add("src/ridgeback/")
    for path in PACKAGE.iterdir():
        if path.is_dir() and holds_sources(path):
            paths.add(f"src/ridgeback/{path.name}/")
        elif path.is_file() and path.suffix not in (".so", ".pyd"):
            paths.add(f"src/ridgeback/{path.name}")
    return paths


def holds_sources(folder: Path) -> bool:
    """Whether a folder is part of the project: not an environment, a cache or what a build left."""
    if (folder.name.startswith(".") and folder.name != ".ci") or folder.name.startswith("__"):
        return False
    return any(path.is_file() and "__pycache__" not in path.parts for path in folder.rglob("*"))


def test_the_tree_in_the_document_is_the_tree_on_disk() -> None:
    drawn = tree_in((REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8"))
    on_disk = tree_on_disk()
    assert drawn - on_disk == set(), "ARCHITECTURE.md draws what is not there"
    assert on_disk - drawn == set(), "ARCHITECTURE.md does not draw what is there"


def test_the_layers_in_the_document_are_those_of_this_test() -> None:
    document = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
    drawn = re.findall(r"```text\n(.*?)```", document, re.DOTALL)[1]
    lowest, middle, doors = (re.findall(r"\w+", line.split("   ")[0]) for line in drawn.splitlines())
    assert set(lowest) == set(LAYERS[:5])
    assert middle == LAYERS[5:]
    assert set(doors) == FRONT_DOORS
