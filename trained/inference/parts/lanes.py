"""Sixteen float32 numbers as one value in Numba code, which keeps sums in registers where LLVM by itself would not.

A value of this kind lives inside of a kernel only. `start` counts numbers from the first one of a C-ordered float32 array of any number of
dimensions; nothing checks that sixteen follow it.
"""

from __future__ import annotations

from typing import Any

import numba.extending
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import models, register_model

LANES = 16
_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_SAME_LANE = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
_UNSET = ir.Constant(_VECTOR, ir.Undefined)
_CONTRACT = ["contract"]
intrinsic: Any = numba.extending.intrinsic  # its own type is that of the function below, not of what a kernel calls


class _Lanes(types.Type):
    def __init__(self) -> None:
        super().__init__(name="Lanes")


_LANES = _Lanes()


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


@intrinsic
def load(typing, array, start):
    """array[start : start + 16] of the flattened array."""
    _check(array)

    def code(context, builder, signature, args):
        return builder.load(_pointer(context, builder, signature, args), align=4)

    return _LANES(array, types.intp), code


@intrinsic
def store(typing, array, start, lanes):
    """Write lanes to array[start : start + 16] of the flattened array."""
    _check(array)

    def code(context, builder, signature, args):
        builder.store(args[2], _pointer(context, builder, signature, args), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, _LANES), code


@intrinsic
def spread(typing, number):
    """The same number in all lanes."""

    def code(context, builder, signature, args):
        return _spread(builder, args[0])

    return _LANES(types.float32), code


@intrinsic
def add_scaled(typing, total, number, lanes):
    """total + number * lanes."""

    def code(context, builder, signature, args):
        return _add_product(builder, args[0], _spread(builder, args[1]), args[2])

    return _LANES(_LANES, types.float32, _LANES), code


@intrinsic
def add_square(typing, total, lanes):
    """total + lanes * lanes."""

    def code(context, builder, signature, args):
        return _add_product(builder, args[0], args[1], args[1])

    return _LANES(_LANES, _LANES), code


@intrinsic
def above_zero(typing, lanes):
    """max(lanes, 0), the rectifier; NaN stays NaN."""

    def code(context, builder, signature, args):
        zero = ir.Constant(_VECTOR, [0.0] * LANES)
        return builder.select(builder.fcmp_ordered("<", args[0], zero), zero, args[0])

    return _LANES(_LANES), code


def _check(array):
    if not isinstance(array, types.Array) or array.layout != "C" or array.dtype != types.float32:
        raise TypingError(f"lanes are loaded from and stored to C-ordered float32 arrays, got {array}")


def _pointer(context, builder, signature, args):
    data = context.make_array(signature.args[0])(context, builder, args[0]).data
    return builder.bitcast(cgutils.gep_inbounds(builder, data, args[1]), _VECTOR.as_pointer())


def _spread(builder, number):
    first = builder.insert_element(_UNSET, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, _UNSET, _SAME_LANE)


def _add_product(builder, total, a, b):
    return builder.fadd(total, builder.fmul(a, b, flags=_CONTRACT), flags=_CONTRACT)
