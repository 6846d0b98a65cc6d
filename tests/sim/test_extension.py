"""Classes out of a user's own file."""

import pickle
import subprocess
import sys
import textwrap
from collections import OrderedDict

import pytest

from sim.extension import load_class


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "my own.py"
    made.write_text(
        textwrap.dedent("""
        from collections import OrderedDict

        class Part:
            pass

        class Mine(OrderedDict):
            def __init__(self, *given):
                super().__init__(*given)
                self.part = Part()

        if __name__ == "__main__":
            raise SystemExit("run as a program")
        """)
    )
    return made


def test_a_class_of_a_file_is_loaded_once(file):
    kind = load_class(f"{file}:Mine", OrderedDict)
    assert issubclass(kind, OrderedDict) and kind is load_class(f"{file}:Mine", dict)


def test_its_instances_can_be_pickled_to_a_process_that_never_loaded_it(file, tmp_path):
    (tmp_path / "pickle").write_bytes(pickle.dumps(load_class(f"{file}:Mine", OrderedDict)({"a": 1})))
    read = "import pickle, sys; it = pickle.load(open(sys.argv[1], 'rb')); print(type(it).__name__, type(it.part).__name__, it['a'])"
    run = subprocess.run([sys.executable, "-c", read, tmp_path / "pickle"], capture_output=True, text=True, timeout=60)
    assert run.stdout == "Mine Part 1\n", run.stderr


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        ("nowhere.py:Mine", FileNotFoundError, "nowhere.py is not a file"),
        ("{file}", ValueError, "is not FILE.py:CLASS"),
        ("{file}:Other", ValueError, "has no class Other; it has Mine"),
        ("{file}:Part", ValueError, "Part in .* is no OrderedDict"),
        ("{file}.txt:Mine", ValueError, "is not FILE.py:CLASS"),
    ],
)
def test_what_cannot_be_loaded_is_named(spec, error, words, file):
    with pytest.raises(error, match=words):
        load_class(spec.format(file=file), OrderedDict)


def test_a_file_that_fails_is_named_with_its_error(tmp_path):
    (tmp_path / "broken.py").write_text("import nothing_of_that_name")
    with pytest.raises(ImportError, match=r"broken\.py cannot be imported: ModuleNotFoundError: No module named 'nothing_of_that_name'"):
        load_class(f"{tmp_path}/broken.py:Mine", dict)
