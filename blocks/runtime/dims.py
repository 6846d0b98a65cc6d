"""Settling the symbolic dimensions of all ports of a graph by unification."""

from __future__ import annotations

from blocks.runtime.block import Block, Shape, Signal
from blocks.runtime.errors import WiringError

_Key = tuple[int | str, str | int]


class Dimensions:
    """Union-find over (block, dimension name); a class of equal dimensions holds at most one number."""

    def __init__(self) -> None:
        self._parent: dict[_Key, _Key] = {}
        self._size: dict[_Key, int] = {}
        self._known: set[int] = set()

    def add(self, block: Block) -> None:
        """Take in what a block knows of its own dimensions."""
        if id(block) in self._known:
            return
        self._known.add(id(block))
        for symbol, size in block.dims().items():
            self._size[self._find((id(block), symbol))] = int(size)

    def link(self, source: Block, out: str, target: Block, into: str, where: str) -> None:
        """Make two connected ports agree. Raises WiringError, naming both ends, where they cannot."""
        self.add(source)
        self.add(target)
        a, b = source.outputs[out], target.inputs[into]
        ends = f"cannot connect {self._end(source, out, a)} to {self._end(target, into, b)} (wired at {where})"
        if a.dtype is not None and b.dtype is not None and a.dtype != b.dtype:
            raise WiringError(f"{ends}: dtype {a.dtype} is not {b.dtype}")
        if a.any_shape or b.any_shape:
            return
        if len(a.dims) != len(b.dims):
            raise WiringError(f"{ends}: {len(a.dims)} dimensions are not {len(b.dims)}")
        for m, n in zip(a.dims, b.dims, strict=True):
            left, right = self._root(source, m), self._root(target, n)
            sizes = self._size.get(left), self._size.get(right)
            if None not in sizes and sizes[0] != sizes[1]:
                raise WiringError(f"{ends}: {_named(m, sizes[0])} on one side, {_named(n, sizes[1])} on the other")
            self._parent[left] = right
            size = sizes[0] if sizes[1] is None else sizes[1]
            if size is not None:
                self._size[right] = size

    def shape(self, block: Block, signal: Signal) -> Shape:
        """Sizes of a port, None for each that is still open; None where the port takes any shape."""
        return None if signal.any_shape else tuple(self._size.get(self._root(block, dim)) for dim in signal.dims)

    def _end(self, block: Block, port: str, signal: Signal) -> str:
        if signal.any_shape:
            return f"{block.name}.{port} (any shape) {signal.dtype or 'any dtype'}"
        shape = ", ".join(_named(dim, self._size.get(self._root(block, dim))) for dim in signal.dims)
        return f"{block.name}.{port} ({shape}) {signal.dtype or 'any dtype'}"

    def _root(self, block: Block, dim: str | int) -> _Key:
        key: _Key = (id(block), dim) if isinstance(dim, str) else ("number", dim)
        root = self._find(key)
        if not isinstance(dim, str):
            self._size[root] = dim
        return root

    def _find(self, key: _Key) -> _Key:
        self._parent.setdefault(key, key)
        while self._parent[key] != key:
            key = self._parent[key]
        return key


def _named(dim: str | int, size: int | None) -> str:
    return str(dim) if size is None or dim == size else f"{dim}={size}"
