"""A flowgraph as text and as a picture."""

from __future__ import annotations

from pathlib import Path

from blocks.runtime.block import Block, Shape

_Line = tuple[Block, str, Block, str, Shape]


def as_text(links: list[_Line]) -> str:
    """One line per connection: source.port (shape) dtype -> target.port."""
    lines = []
    for source, out, target, into, shape in links:
        lines.append(f"{source.name}.{out} {_type(source, out, shape)} -> {target.name}.{into}")
    return "\n".join(lines)


def as_picture(blocks: list[Block], links: list[_Line], file: Path) -> None:
    """Draw blocks as boxes in columns by their distance from the sources, connections as arrows; .svg or .png."""
    if file.suffix not in (".svg", ".png"):
        raise ValueError(f"{file} is neither .svg nor .png")
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyBboxPatch

    column = _columns(blocks, links)
    row = _rows(blocks, links, column)
    place = {id(block): (3.0 * column[id(block)], -1.6 * row[id(block)]) for block in blocks}
    columns, height = max(column.values()) + 1, max(row.values()) - min(row.values()) + 1
    figure = Figure(figsize=(1.0 + 2.1 * columns, 0.9 + 1.1 * height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    for block in blocks:
        x, y = place[id(block)]
        axes.add_patch(FancyBboxPatch((x - 1.0, y - 0.35), 2.0, 0.7, boxstyle="round,pad=0.05", facecolor="#e8f0fa", edgecolor="#1f4e79"))
        axes.text(x, y, block.name.replace("+", "\n+ "), ha="center", va="center", fontsize=8)
    for number, (source, target) in enumerate(_pairs(links)):
        (x0, y0), (x1, y1) = place[id(source)], place[id(target)]
        bend = 0.0 if x1 - x0 <= 3.0 else (-0.25 if number % 2 else 0.25)
        axes.annotate(
            "",
            (x1 - 1.06, y1),
            (x0 + 1.06, y0),
            arrowprops={"arrowstyle": "-|>", "color": "#1f4e79", "connectionstyle": f"arc3,rad={bend}"},
        )
        label = "\n".join(f"{out} {_shape(shape)}" for a, out, b, _, shape in links if a is source and b is target)
        axes.text(
            (x0 + x1) / 2,
            (y0 + y1) / 2 + (0.42 if y0 == y1 else 0.1) + abs(bend) * (x1 - x0) / 2 * (1 if bend <= 0 else -1),
            label,
            ha="center",
            va="bottom",
            fontsize=6.5,
            color="#444444",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8},
        )
    axes.set_xlim(-1.4, 3.0 * (columns - 1) + 1.4)
    axes.set_ylim(-1.6 * max(row.values()) - 1.0, -1.6 * min(row.values()) + 1.3)
    figure.savefig(file, dpi=150)


def _columns(blocks: list[Block], links: list[_Line]) -> dict[int, int]:
    column = {id(block): 0 for block in blocks}
    for _ in blocks:
        for source, _, target, *_ in links:
            column[id(target)] = max(column[id(target)], column[id(source)] + 1)
    return column


def _rows(blocks: list[Block], links: list[_Line], column: dict[int, int]) -> dict[int, int]:
    """A row for each block: that of the block that feeds it, or the next one that is free in its column."""
    row: dict[int, int] = {}
    taken: set[tuple[int, int]] = set()
    for block in blocks:
        fed_by = [row[id(source)] for source, _, target, *_ in links if target is block and id(source) in row]
        at = min(fed_by, default=0)
        while (column[id(block)], at) in taken:
            at += 1
        row[id(block)] = at
        taken.add((column[id(block)], at))
    return row


def _pairs(links: list[_Line]) -> list[tuple[Block, Block]]:
    return list(dict.fromkeys((source, target) for source, _, target, *_ in links))


def _type(block: Block, port: str, shape: Shape) -> str:
    return f"{_shape(shape)} {block.outputs[port].dtype or 'any dtype'}"


def _shape(shape: Shape) -> str:
    return "any shape" if shape is None else f"({', '.join('?' if n is None else str(n) for n in shape)})"
