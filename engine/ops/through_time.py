"""Kernels of recurrent networks: forward through time, and back (Werbos, 1990).

A step needs what the one before computed, so a sequence takes as many small products as it has
steps, and a few passes over small arrays between them. Each gate is a block of its own, (B, H): all
that is done to it is done to one piece of memory, and its product is small enough for OpenBLAS to
begin at once. The weight's gradient is one large product over all steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .linalg import rows


def steps(length: int, reverse: bool) -> Sequence[int]:
    """The steps in the order in which they are taken."""
    return range(length - 1, -1, -1) if reverse else range(length)


def check(
    name: str, gates: int, x: Any, state: tuple[Any, ...], weight: Any, bias: Any, live: Any
) -> None:
    """Raise ValueError unless there is a step, and the shapes agree."""
    shapes = [part if part is None else np.shape(part) for part in (x, *state, weight, bias, live)]
    T, H, B = np.shape(x)[:1], np.shape(weight)[-1:], np.shape(state[0])[:1]
    K = tuple(gates * side for side in H)
    fit = [(*T, *B, *K), *[(*B, *H)] * len(state), (*K, *H), K, (*T, *B)]
    agree = all(shape in (None, wanted) for shape, wanted in zip(shapes, fit, strict=True))
    if not agree or 0 in T + H:
        wide = f"{gates}·H" if gates > 1 else "H"
        given = ", ".join(str(shape) for shape in shapes if shape is not None)
        raise ValueError(
            f"{name}: x (T, B, {wide}), each state (B, H), weight ({wide}, H), bias ({wide},) and "
            f"live (T, B), with T and H of 1 or more, not {given}"
        )


class Cell(NamedTuple):
    """One step. The state is a list of arrays (B, H), of which h is the first.

    forward(a, x, bias, old, new): `a` (n, B, H) begins with what comes from h for each of the first
        gates; x (B, gates · H) is what comes from the input. Writes the new state, and into `a`
        what the way back needs.
    backward(a, old, new, share, from_r, from_x): `share`, of the new state, becomes that of the old
        one, but for what goes through the weight. Writes the shares of what came from h, and of
        what came from the input unless that is the same, both (B, gates · H).
    """

    forward: Callable[..., None]
    backward: Callable[..., None]
    name: str
    gates: int
    kept: int  # n
    apart: bool = False  # whether what comes from the input has a share of its own


def forward(
    cell: Cell, x: Any, state: tuple[Any, ...], weight: Any, bias: Any, live: Any, reverse: bool
) -> tuple[Any, Any]:
    """h after each step, and then what else the last state has: (T + …, B, H)."""
    check(cell.name, cell.gates, x, state, weight, bias, live)
    (T, B, _), H, width = x.shape, weight.shape[1], np.result_type(x, weight, *state)
    parts = np.ascontiguousarray(gated(weight.T, H))  # (gates, H, H)
    inside = np.empty((T, cell.kept, B, H), width)
    out = np.empty((T + len(state) - 1, B, H), width)
    cells = np.empty((T + 1, len(state) - 1, B, H), width)  # before the first step, after it, …
    cells[0] = np.reshape(state[1:], cells.shape[1:])
    shift = np.zeros(len(weight), width) if bias is None else bias
    ended, old = padding(live), [state[0], *cells[0]]
    for a, t, more in zip(inside, steps(T, reverse), cells[1:], strict=True):
        new = [out[t], *more]
        np.matmul(old[0], parts, out=a[: len(parts)])
        cell.forward(a, x[t], shift, old, new)
        if t in ended:
            for was, becomes in zip(old, new, strict=True):
                np.copyto(becomes, was, where=ended[t])
        old = new
    out[T:] = cells[T]
    return out, (cell, out, state[0], cells, inside, weight, bias, ended, reverse)


def backward(g: np.ndarray, saved: Any) -> tuple[Any, ...]:
    """The shares of x, of each array of the state, of weight and bias."""
    cell, out, h, cells, inside, weight, bias, ended, reverse = saved
    (T, _, B, H), width = inside.shape, out.dtype
    # Back through the weight, a quarter of its columns at a time: small products, again.
    cut = 1 if H % 4 else 4
    parts = np.ascontiguousarray(weight.reshape(-1, cut, H // cut).swapaxes(0, 1))
    pulled = np.empty((B, H), width)
    of_r = of_x = np.empty((T, B, len(weight)), width)
    if cell.apart:
        of_x = np.empty_like(of_r)
    share = np.zeros((len(cells[0]) + 1, B, H), width)
    share[1:] = g[T:]
    order = steps(T, reverse)
    for i in reversed(range(T)):
        t = order[i]
        old = [out[order[i - 1]] if i else h, *cells[i]]
        share[0] += g[t]
        kept = share.copy() if t in ended else None
        cell.backward(inside[i], old, [out[t], *cells[i + 1]], share, of_r[t], of_x[t])
        if kept is not None:
            np.copyto(share, kept, where=ended[t])
            for part in (of_r[t], of_x[t]):
                np.copyto(part, 0, where=ended[t])
        np.matmul(of_r[t], parts, out=gated(pulled, H // cut))
        share[0] += pulled
    seen = slice(1, T) if reverse else slice(T - 1)  # the states that all steps but the first saw
    rest = slice(T - 1) if reverse else slice(1, T)
    of_weight = rows(of_r[rest]).T @ rows(out[seen])
    of_weight += of_r[order[0]].T @ h
    of_bias = None if bias is None else np.ones(T * B, width) @ rows(of_r)
    return of_x, *share, of_weight, of_bias


def gated(a: np.ndarray, H: int) -> np.ndarray:
    """(n, gates · H) as (gates, n, H): a view of each gate's columns."""
    return a.reshape(len(a), a.shape[1] // H, H).swapaxes(0, 1)


def padding(live: Any) -> dict[int, np.ndarray]:
    """For each step at which some sequences have ended, which, (B, 1)."""
    if live is None:
        return {}
    return {t: ended for t, ended in enumerate(np.logical_not(live)[:, :, None]) if ended.any()}
