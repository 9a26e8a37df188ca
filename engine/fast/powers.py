"""Loops in which a power of e is taken: activations, softmax and its kin."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import overload

from ..ops.normal import FALL, FAR, TAIL
from .loop import STRICT, SUMS, loop

# Functions of one number, in two widths. They are plain arithmetic without branches, so that the
# compiler makes them work on a whole vector, where the C library's take one number at a time. A
# literal is a float64 or an int64 to numba, and would widen all: hence the constants; and so is the
# difference of two int32.

f32, i32, f64, i64 = np.float32, np.int32, np.float64, np.int64


def in_widths(narrow: Any, wide: Any) -> Callable[[Any], Any]:
    """A function for loops: `narrow` of a number of 32 bits, `wide` of one of 64."""

    def fn(x: Any) -> Any:
        raise NotImplementedError("compiled loops call this")

    overload(fn, jit_options={"forceinline": True})(
        lambda x: (lambda x: narrow(x)) if x.bitwidth == 32 else (lambda x: wide(x))
    )
    return fn


# exp(x) = 2ⁿ · exp(r) with n the integer nearest to x / log 2, so |r| ≤ log(2) / 2: a short series.
# log 2 is taken away in two parts, the first with zeros at its end, so that n times it is exact.
# 2ⁿ is made of its bits, and halved, as the largest has none; beyond the largest number the product
# overflows. Below the smallest normal numbers, 0.

_LOW, _HIGH, _PER = f32(-86.6), f32(89), f32(1 / math.log(2))
_LOG2, _REST = f32(0.693359375), f32(-2.12194440e-4)
_ZERO, _HALF, _ONE, _TWO = f32(0), f32(0.5), f32(1), f32(2)
_BIAS, _SHIFT = f32(126), i32(23)
_C2, _C3, _C4, _C5, _C6, _C7 = (f32(1 / math.factorial(k)) for k in range(2, 8))


@loop(STRICT, forceinline=True)
def _series32(r: Any) -> Any:
    """exp(r) − 1."""
    p = _C4 + r * (_C5 + r * (_C6 + r * _C7))
    return r * (_ONE + r * (_C2 + r * (_C3 + r * p)))


@loop(STRICT, forceinline=True)
def _exp32(x: Any) -> Any:
    inside = min(max(x, _LOW), _HIGH)
    power = i32(inside * _PER + (_BIAS + _HALF))  # n + 126
    n = f32(power) - _BIAS
    r = inside - n * _LOG2 - n * _REST
    p = (_ONE + _series32(r)) * _TWO * i32(power << _SHIFT).view(f32)
    p = p if x > _LOW else _ZERO
    return p if x == x else x


_LOW64, _HIGH64, _PER64 = -707.7, 710.0, 1 / math.log(2)
_LOG264, _REST64 = 6.93145751953125e-1, 1.42860682030941723212e-6
_SHIFT64 = i64(52)
_D = tuple(1 / math.factorial(k) for k in range(14))


@loop(STRICT, forceinline=True)
def _series64(r: Any) -> Any:
    p = _D[10] + r * (_D[11] + r * (_D[12] + r * _D[13]))
    p = _D[5] + r * (_D[6] + r * (_D[7] + r * (_D[8] + r * (_D[9] + r * p))))
    return r * (1.0 + r * (_D[2] + r * (_D[3] + r * (_D[4] + r * p))))


@loop(STRICT, forceinline=True)
def _exp64(x: Any) -> Any:
    inside = min(max(x, _LOW64), _HIGH64)
    power = i32(inside * _PER64 + 1022.5)  # n + 1022
    n = f64(power) - 1022.0
    r = inside - n * _LOG264 - n * _REST64
    p = (1.0 + _series64(r)) * 2.0 * i64(i64(power) << _SHIFT64).view(f64)
    p = p if x > _LOW64 else 0.0
    return p if x == x else x


exp = in_widths(_exp32, _exp64)


# tanh(x) = e / (e + 2) with e = exp(2x) − 1 = 2ⁿ · (exp(r) − 1) + 2ⁿ − 1, which near 0 is 2x to the
# last digit. Where tanh has long been ±1, x is held back, so that e stays finite.

_NEAR, _ONES = f32(20), f32(127)


@loop(STRICT, forceinline=True)
def _tanh32(x: Any) -> Any:
    twice = min(max(x + x, -_NEAR), _NEAR)
    power = i32(twice * _PER + (_ONES + _HALF))  # n + 127
    n = f32(power) - _ONES
    r = twice - n * _LOG2 - n * _REST
    scale = i32(power << _SHIFT).view(f32)
    e = scale * _series32(r) + (scale - _ONE)
    return e / (e + _TWO) if x == x else x


@loop(STRICT, forceinline=True)
def _tanh64(x: Any) -> Any:
    twice = min(max(x + x, -40.0), 40.0)
    power = i32(twice * _PER64 + 1023.5)  # n + 1023
    n = f64(power) - 1023.0
    r = twice - n * _LOG264 - n * _REST64
    scale = i64(i64(power) << _SHIFT64).view(f64)
    e = scale * _series64(r) + (scale - 1.0)
    return e / (e + 2.0) if x == x else x


@loop(STRICT, forceinline=True)
def _sigmoid32(x: Any) -> Any:
    return _ONE / (_ONE + _exp32(-x))


@loop(STRICT, forceinline=True)
def _sigmoid64(x: Any) -> Any:
    return 1.0 / (1.0 + _exp64(-x))


tanh, sigmoid = in_widths(_tanh32, _tanh64), in_widths(_sigmoid32, _sigmoid64)


# The normal distribution, Φ and its slope Φ'.

_FALL, _PEAK = f32(FALL), f32(1 / math.sqrt(2 * math.pi))
_Q1, _Q2, _Q3, _Q4, _Q5, _Q6, _Q7, _Q8, _Q9 = map(f32, TAIL)


@loop(STRICT, forceinline=True)
def _normal_cdf32(x: Any) -> Any:
    t = _ONE / (_ONE + _FALL * abs(x))
    q = _Q5 + t * (_Q6 + t * (_Q7 + t * (_Q8 + t * _Q9)))
    q = t * (_Q1 + t * (_Q2 + t * (_Q3 + t * (_Q4 + t * q))))
    tail = _HALF * q * _exp32(-_HALF * x * x)
    rest = _ONE - tail
    return rest if x > _ZERO else tail


@loop(STRICT, forceinline=True)
def _normal_cdf64(x: Any) -> Any:
    return 0.5 * math.erfc(-x / math.sqrt(2))


@loop(STRICT, forceinline=True)
def _bell32(x: Any) -> Any:
    return _PEAK * _exp32(-_HALF * x * x)


@loop(STRICT, forceinline=True)
def _bell64(x: Any) -> Any:
    return 1 / math.sqrt(2 * math.pi) * _exp64(-0.5 * x * x)


normal_cdf, bell = in_widths(_normal_cdf32, _normal_cdf64), in_widths(_bell32, _bell64)


# A float as an integer that sorts alike, and back: of integers the compiler finds the largest with
# vectors; of floats it may not, as a NaN would get lost in another way. Here a NaN may win or lose:
# exp makes the row NaN anyway.


@loop(STRICT, forceinline=True)
def _order32(x: Any) -> Any:
    bits = f32(x).view(i32)
    return i32(bits ^ ((bits >> i32(31)) & i32(0x7FFFFFFF)))


@loop(STRICT, forceinline=True)
def _order64(x: Any) -> Any:
    bits = f64(x).view(i64)
    return i64(bits ^ ((bits >> i64(63)) & i64(0x7FFFFFFFFFFFFFFF)))


@loop(STRICT, forceinline=True)
def _number32(key: Any) -> Any:
    return i32(key ^ ((key >> i32(31)) & i32(0x7FFFFFFF))).view(f32)


@loop(STRICT, forceinline=True)
def _number64(key: Any) -> Any:
    return i64(key ^ ((key >> i64(63)) & i64(0x7FFFFFFFFFFFFFFF))).view(f64)


order, number = in_widths(_order32, _order64), in_widths(_number32, _number64)


@loop(SUMS)
def largest(row: Any) -> Any:
    """What may be taken away before exp, as in ops/reduce.py; 0 where that is infinite."""
    best = order(row[0])
    for j in range(row.size):
        key = order(row[j])
        best = key if key > best else best
    top = number(best)
    return row.dtype.type(0) if math.isinf(top) else top


# Activations


@loop(STRICT)
def gelu(a: Any, tanh: bool, out: Any) -> None:
    one, cubic = a.dtype.type(1), a.dtype.type(0.044715)
    steep = a.dtype.type(-2 * math.sqrt(2 / math.pi))
    if tanh:  # (1 + tanh u) / 2 is 1 / (1 + exp(−2u))
        for i in range(a.size):
            x = a[i]
            out[i] = x * (one / (one + exp(steep * (x + cubic * x * x * x))))
    else:
        for i in range(a.size):
            out[i] = a[i] * normal_cdf(a[i])


@loop(STRICT)
def gelu_backward(g: Any, a: Any, tanh: bool, share: Any) -> None:
    one, two, cubic = a.dtype.type(1), a.dtype.type(2), a.dtype.type(0.044715)
    steep = a.dtype.type(-2 * math.sqrt(2 / math.pi))
    root, bent = a.dtype.type(math.sqrt(2 / math.pi)), a.dtype.type(3 * 0.044715)
    far = a.dtype.type(FAR)
    if tanh:
        for i in range(a.size):
            x = a[i]
            cdf = one / (one + exp(steep * (x + cubic * x * x * x)))
            square = x * x
            square = far if square > far else square  # 1 − Φ has long been 0, which times ∞ is none
            density = two * cdf * (one - cdf) * (root * (one + bent * square))
            share[i] = g[i] * (cdf + x * density)
    else:
        for i in range(a.size):
            share[i] = g[i] * (normal_cdf(a[i]) + a[i] * bell(a[i]))


# Softmax and its kin


@loop(SUMS)
def softmax(scores: Any, causal: bool) -> None:
    """Softmax of (m, T, S) in place; where causal, of numbers 0 to t alone in row t."""
    zero, one = scores.dtype.type(0), scores.dtype.type(1)
    for m in range(scores.shape[0]):
        for t in range(scores.shape[1]):
            end = min(t + 1, scores.shape[2]) if causal else scores.shape[2]
            row = scores[m, t, :end]
            top, total = largest(row), zero
            for j in range(end):
                row[j] = exp(row[j] - top)
                total += row[j]
            share = one / (total if total != zero else one)
            for j in range(end):
                row[j] *= share
            scores[m, t, end:] = zero


@loop(SUMS)
def softmax_backward(g: Any, weights: Any, causal: bool, scale: float) -> None:
    """scale · w · (g − Σ g · w), written over g, (m, T, S); weights are softmax's."""
    zero, factor = g.dtype.type(0), g.dtype.type(scale)
    for m in range(g.shape[0]):
        for t in range(g.shape[1]):
            end = min(t + 1, g.shape[2]) if causal else g.shape[2]
            row, weight, along = g[m, t], weights[m, t], zero
            for j in range(end):
                along += row[j] * weight[j]
            for j in range(end):
                row[j] = (row[j] - along) * weight[j] * factor
            row[end:] = zero


@loop(SUMS)
def log_of_sum(row: Any, top: Any) -> Any:
    """log Σ exp(row − top); 0 of a row of −∞ alone."""
    total = row.dtype.type(0)
    for j in range(row.size):
        total += exp(row[j] - top)
    return np.log(total if total != row.dtype.type(0) else row.dtype.type(1))


# STRICT: were top and level added first, as a sum in any order may be, the digits of level would be
# lost beside a large top.
@loop(STRICT)
def log_softmax(x: Any, out: Any) -> None:
    for i in range(x.shape[0]):
        row = x[i]
        top = largest(row)
        level = log_of_sum(row, top)
        for j in range(row.size):
            out[i, j] = row[j] - top - level


@loop(STRICT)
def cross_entropy_backward(
    log_probs: Any, labels: Any, all_of: Any, hard: Any, soft: Any, each: Any, share: Any
) -> None:
    """p · all_of − soft · each, and at the label − hard: the last four have one for each row, but
    `each` one for each class."""
    for i in range(log_probs.shape[0]):
        for j in range(log_probs.shape[1]):
            share[i, j] = exp(log_probs[i, j]) * all_of[i] - soft[i] * each[j]
        share[i, labels[i]] -= hard[i]
