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

from ..fast import compiled
from .linalg import rows

TANH, RELU, LSTM, GRU = range(4)  # the cells, to the compiled loops


def steps(length: int, reverse: bool) -> Sequence[int]:
    """The steps in the order in which they are taken."""
    return range(length - 1, -1, -1) if reverse else range(length)


def check(
    name: str, gates: int, x: Any, state: tuple[Any, ...], weight: Any, bias: Any, live: Any
) -> None:
    """Raise ValueError unless there is a step, and the shapes agree."""
    xs, ws, states = np.shape(x), np.shape(weight), [np.shape(part) for part in state]
    fit = len(xs) == 3 and len(ws) == 2 and min(xs[0], ws[1]) > 0
    if fit:
        (T, B, K), H = xs, ws[1]
        fit = gates * H == K and ws == (K, H) and states == [(B, H)] * len(states)
        fit &= bias is None or np.shape(bias) == (K,)
        fit &= live is None or np.shape(live) == (T, B)
    if not fit:
        wide = f"{gates}·H" if gates > 1 else "H"
        parts = (x, *state, weight, bias, live)
        given = ", ".join(str(np.shape(part)) for part in parts if part is not None)
        raise ValueError(
            f"{name}: x (T, B, {wide}), each state (B, H), weight ({wide}, H), bias ({wide},) and "
            f"live (T, B), with T and H of 1 or more, not {given}"
        )


class Cell(NamedTuple):
    """One step. The state is a list of arrays (B, H), of which h is the first.

    forward(a, x, bias, old, new): `a` (n, B, H) begins with what comes from h for each of the first
        gates; x (B, gates · H) is what comes from the input. Writes the new state, and into `a`
        what the way back needs.
    backward(a, old, new, share, of_from_h, of_from_x): `share`, of the new state, becomes that of
        the old one, but for what goes through the weight. Writes the shares of what came from h,
        and of what came from the input unless that is the same, both (B, gates · H).
    """

    forward: Callable[..., None]
    backward: Callable[..., None]
    looped: int  # which it is to the compiled loops
    name: str
    gates: int
    kept: int  # n
    apart: bool = False  # whether what comes from the input has a share of its own


class Kept(NamedTuple):
    """A sequence: what both ways use, and what the way forward writes for the way back."""

    cell: Cell
    first: np.ndarray  # h before the first step, (B, H)
    weight: np.ndarray  # (gates · H, H)
    live: np.ndarray | None  # (T, B)
    reverse: bool
    inside: np.ndarray  # of each step, as they are taken, its `a`: (T, n, B, H)
    cells: np.ndarray  # the state but for h, before the first step, after it, …: (T + 1, …, B, H)
    out: np.ndarray  # h after each step, and then what else the last state has: (T + …, B, H)


def forward(
    cell: Cell, x: Any, state: tuple[Any, ...], weight: Any, bias: Any, live: Any, reverse: bool
) -> tuple[Any, Any]:
    """h after each step, and then what else the last state has: (T + …, B, H)."""
    check(cell.name, cell.gates, x, state, weight, bias, live)
    (T, B, _), H, width = x.shape, weight.shape[1], np.result_type(x, weight, *state)
    shapes = (T, cell.kept), (T + 1, len(state) - 1), (T + len(state) - 1,)
    inside, cells, out = (np.empty((*shape, B, H), width) for shape in shapes)
    cells[0] = np.reshape(state[1:], cells.shape[1:])
    kept = Kept(cell, state[0], weight, live, reverse, inside, cells, out)
    shift = np.zeros(len(weight), width) if bias is None else bias
    loops = over_time(inside)
    if loops:
        x, shift = plain(x, width), plain(shift, width)
        loops.through_time(x, shift, *for_loops(loops, kept, weight))
    else:
        by_calls(kept, x, shift)
    out[T:] = cells[T]
    return out, (kept, bias is not None)


def backward(g: np.ndarray, saved: Any) -> tuple[Any, ...]:
    """The shares of x, of each array of the state, of weight and bias."""
    kept, has_bias = saved
    cell, h, weight, _, reverse, inside, cells, out = kept
    (T, _, B, H), width = inside.shape, out.dtype
    of_from_h = of_from_x = np.empty((T, B, len(weight)), width)
    if cell.apart:
        of_from_x = np.empty_like(of_from_h)
    share = np.zeros((len(cells[0]) + 1, B, H), width)
    share[1:] = g[T:]
    loops = over_time(inside)
    if loops:
        g = plain(g, width)
        loops.back_through_time(g, share, of_from_h, of_from_x, *for_loops(loops, kept, weight.T))
    else:
        back_by_calls(kept, g, share, of_from_h, of_from_x)
    seen = slice(1, T) if reverse else slice(T - 1)  # the states that all steps but the first saw
    rest = slice(T - 1) if reverse else slice(1, T)
    of_weight = rows(of_from_h[rest]).T @ rows(out[seen])
    if np.any(h):  # mostly a sequence begins at 0
        of_weight += of_from_h[-1 if reverse else 0].T @ h
    of_bias = np.ones(T * B, width) @ rows(of_from_h) if has_bias else None
    return of_from_x, *share, of_weight, of_bias


# In numpy calls


def by_calls(kept: Kept, x: Any, bias: Any) -> None:
    cell, h, weight, live, reverse, inside, cells, out = kept
    parts = np.ascontiguousarray(gated(weight.T, weight.shape[1]))  # (gates, H, H)
    ended, old = padding(live), [h, *cells[0]]
    for a, t, more in zip(inside, steps(len(x), reverse), cells[1:], strict=True):
        new = [out[t], *more]
        np.matmul(old[0], parts, out=a[: len(parts)])
        cell.forward(a, x[t], bias, old, new)
        if t in ended:
            for was, becomes in zip(old, new, strict=True):
                np.copyto(becomes, was, where=ended[t])
        old = new


def back_by_calls(kept: Kept, g: Any, share: Any, of_from_h: Any, of_from_x: Any) -> None:
    cell, h, weight, live, reverse, inside, cells, out = kept
    H = weight.shape[1]
    # Back through the weight, a quarter of its columns at a time: small products, again.
    cut = 1 if H % 4 else 4
    parts = np.ascontiguousarray(weight.reshape(-1, cut, H // cut).swapaxes(0, 1))
    pulled, ended, order = np.empty_like(share[0]), padding(live), steps(len(inside), reverse)
    for i in reversed(range(len(inside))):
        t = order[i]
        old = [out[order[i - 1]] if i else h, *cells[i]]
        share[0] += g[t]
        before = share.copy() if t in ended else None
        cell.backward(inside[i], old, [out[t], *cells[i + 1]], share, of_from_h[t], of_from_x[t])
        if before is not None:
            np.copyto(share, before, where=ended[t])
            for part in (of_from_h[t], of_from_x[t]):
                np.copyto(part, 0, where=ended[t])
        np.matmul(of_from_h[t], parts, out=gated(pulled, H // cut))
        share[0] += pulled


def gated(a: np.ndarray, H: int) -> np.ndarray:
    """(n, gates · H) as (gates, n, H): a view of each gate's columns."""
    return a.reshape(len(a), a.shape[1] // H, H).swapaxes(0, 1)


def padding(live: Any) -> dict[int, np.ndarray]:
    """For each step at which some sequences have ended, which, (B, 1)."""
    if live is None:
        return {}
    return {t: ended for t, ended in enumerate(np.logical_not(live)[:, :, None]) if ended.any()}


# In compiled loops


def over_time(inside: np.ndarray) -> Any:
    """The loops, if they are there and the work is large."""
    loops = compiled(inside)
    return loops if loops and loops.HAS_BLAS else None


def plain(a: Any, dtype: Any) -> np.ndarray:
    return np.require(a, dtype, ["C", "W"])


def for_loops(loops: Any, kept: Kept, weight: Any) -> Kept:
    """A sequence as they take it: in arrays of one kind, with the weight cut up."""
    width = kept.out.dtype
    changed: dict[str, Any] = {
        "cell": kept.cell.looped,
        "first": plain(kept.first, width),
        "weight": loops.cut_up(weight.astype(width, copy=False), len(kept.first)),
        "live": np.zeros((0, 0), bool) if kept.live is None else plain(kept.live, bool),
    }
    return kept._replace(**changed)
