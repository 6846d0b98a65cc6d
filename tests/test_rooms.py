"""The rooms of the house: imports point one way, programs stand beside each other, a file holds one concept."""

import ast
import subprocess
import sys

import pytest

from tests.manual import ROOT

ROOMS = ("sim", "trained", "blocks", "flowgraphs")
FILES = sorted(file.relative_to(ROOT) for room in (*ROOMS, "tests", "benchmarks") for file in (ROOT / room).rglob("*.py"))
RUNTIME_STANDS_ON = {"numpy", "zmq", "msgpack", "blocks.runtime"}


def statements(node, inside_functions):
    for child in ast.iter_child_nodes(node):
        if inside_functions or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from statements(child, inside_functions)


def imported(file, inside_functions=True):
    """Dotted names of the modules that a file imports; inside_functions: those too that it imports when a function is called."""
    names = set()
    for node in statements(ast.parse((ROOT / file).read_text()), inside_functions):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(file.with_suffix("").parts[: len(file.parts) - node.level]) if node.level else ""
            module = ".".join(part for part in (package, node.module) if part)
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names if is_module(f"{module}.{alias.name}"))}
    return names


def is_module(name):
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def within(name, room):
    return name == room or name.startswith(room + ".")


def offending(files, allowed, **which):
    return {str(file): bad for file in files if (bad := sorted(name for name in imported(file, **which) if not allowed(name)))}


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room):
    later = (*ROOMS[ROOMS.index(room) + 1 :], "tests", "benchmarks")
    files = [file for file in FILES if file.parts[0] == room]
    assert offending(files, lambda name: not any(within(name, other) for other in later)) == {}


def test_the_runtime_stands_on_arrays_sockets_and_messages_alone():
    """But for pictures: whoever draws a graph needs Matplotlib, whoever runs it does not."""
    files = [file for file in FILES if file.parts[:2] == ("blocks", "runtime")]

    def allowed(name):
        return name.split(".")[0] in sys.stdlib_module_names or any(within(name, room) for room in RUNTIME_STANDS_ON)

    assert files and offending(files, allowed, inside_functions=False) == {}
    assert offending(files, lambda name: allowed(name) or within(name, "matplotlib")) == {}


def test_programs_import_no_program():
    programs = {f"flowgraphs.{file.stem}" for file in FILES if file.parts[:-1] == ("flowgraphs",) and not file.stem.startswith("__")}
    files = [file for file in FILES if file.parts[0] == "flowgraphs" and file.name != "__main__.py"]
    assert len(programs) > 3
    assert offending(files, lambda name: name not in programs) == {}


def test_a_file_is_read_in_one_sitting():
    lengths = {str(file): len((ROOT / file).read_text().splitlines()) for file in FILES}
    assert {file: length for file, length in lengths.items() if length > 300} == {}


def test_blocks_are_imported_without_torch():
    """Every worker process imports them."""
    code = "import sys, blocks, tests.streams; print(sorted({'torch', 'matplotlib', 'lightning'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr
