"""The commands that a page of the manual prints, and how a test tries them."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

SMALL = {"--blocks": "20", "--seeds": "1", "--minutes": "0.02"}  # options of size, where a command has them: the last one given counts
STANDS_FOR = {
    "NAME": "calibrated-m64",
    "NAME...": "calibrated-m64",
    "FILE": "file.png",
    "CARD": "trained/weights/calibrated-m64.json",
    "...": "a b",
}
NOT_RUN = {  # where the text stands in a command, --help has to accept all that is before it
    "base_station.py": "runs until Ctrl-C; tests/flowgraphs/test_base_station.py runs it",
    "base-station": "runs until Ctrl-C; tests/flowgraphs/test_base_station.py runs it, and the link against it",
    "reproduce": "takes minutes; tests/flowgraphs/test_reproduce.py draws a small figure",
    "train-baselines": "trains for hours; tests/flowgraphs/experiments/test_baselines.py trains a little",
    "--deepmimo": "needs scenario folders; tests/flowgraphs/test_fdd_e2e.py writes some",
    "paper-": "its weights do not come along; the command that trains them is in the error",
    "benchmarks/": "takes minutes",
    "users.py": "needs GNU Radio; tests/interop/test_users.py runs it where there is one",
    "tcp://": "needs somebody at the other end",
    "make": "makes an environment, or runs these tests",
    "pip": "needs the network",
}


class Command(NamedTuple):
    """A command as it is printed."""

    page: str
    text: str

    @property
    def words(self) -> list[str]:
        """Its words, with something in the place of what the reader has to fill in."""
        return shlex.split(" ".join(STANDS_FOR.get(word, word) for word in self.text.split()))

    @property
    def needs_checkout(self) -> bool:
        return self.words[0] == "make" or any((ROOT / word).exists() for word in self.words if "/" in word)

    @property
    def not_run(self) -> str | None:
        """Why it is only held against --help; None where it is run."""
        return next((reason for part, reason in NOT_RUN.items() if part in self.text), None)


def commands(page: Path) -> list[Command]:
    """What the page's blocks of code and its `inline code` call, in order, each once. Comments are left out."""
    fence = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    text = fence.sub(lambda code: "" if code[1] == "python" else re.sub(r"^", "    ", code[2], flags=re.MULTILINE), page.read_text())
    text = re.sub(r"\\\n\s*", "", text)
    prose = re.sub(r"^    .*$", "", text, flags=re.MULTILINE)
    texts = [re.split(r"\s+#\s", line.removeprefix("$ "))[0].strip() for line in re.findall(r"^    (.*)$", text, re.MULTILINE)]
    texts += [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    found = [text for text in texts if re.match(r"(make|calibeam|python3?|/usr/bin/python3|pip)( |$)", text)]
    return [Command(page.name, text) for text in dict.fromkeys(found)]


def files(page: Path) -> dict[str, str]:
    """Name and text of every file that the page has its reader write: In `name.py`: and a block of Python."""
    return dict(re.findall(r"[Ii]n `(\w+\.py)`[^`\n]*:\n\n```python\n(.*?)```", page.read_text(), re.DOTALL))


def options(text: str) -> set[str]:
    """Every --option in a text."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


def small(manual_page: str) -> list[str]:
    """What keeps a command short whose --help says this."""
    return [word for option, value in SMALL.items() if option in options(manual_page) for word in (option, value)]
