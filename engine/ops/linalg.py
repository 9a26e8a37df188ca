"""Matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import declare
from ..samples import Draw


def matmul_samples(draw: Draw) -> tuple[tuple[Any, ...], dict[str, Any]]:
    n, k, m = (draw.integer(1, 3) for _ in range(3))
    batch = draw.shape(max_dims=2)
    a, b = draw.choice(
        (
            ((n, k), (k, m)),
            ((k,), (k, m)),
            ((n, k), (k,)),
            ((k,), (k,)),
            ((*batch, n, k), (k, m)),
            ((*batch, n, k), (k,)),
            ((k,), (*batch, k, m)),
            ((*draw.broadcastable(batch), n, k), (*batch, k, m)),
            ((*batch, n, k), (*draw.broadcastable(batch), k, m)),
        )
    )
    return (draw.array(a), draw.array(b)), {}


def matmul(a: Any, b: Any) -> Any:
    """Batches times one matrix are one large product: (…, n, k) @ (k, m) as (…·n, k) @ (k, m)."""
    if np.ndim(a) > 2 and np.ndim(b) == 2 and np.shape(a)[-1] == np.shape(b)[0]:
        rows = np.matmul(np.reshape(a, (-1, np.shape(b)[0])), b) if np.size(a) else None
        if rows is not None:
            return np.reshape(rows, (*np.shape(a)[:-1], np.shape(b)[1]))
    return np.matmul(a, b)


# A vector on the left is a row, on the right a column: the rules put the missing axis back.
# Shares may keep batch axes that the argument lacks; the walk sums them away.


def matmul_vjp_a(g: Any, out: Any, a: Any, b: Any) -> Any:
    if np.ndim(b) == 1:
        return np.expand_dims(g, -1) * b
    if np.ndim(a) == 1:
        return np.squeeze(np.expand_dims(g, -2) @ np.swapaxes(b, -1, -2), -2)
    return g @ np.swapaxes(b, -1, -2)


def matmul_vjp_b(g: Any, out: Any, a: Any, b: Any) -> Any:
    if np.ndim(b) == 1:
        return np.expand_dims(g, -1) * a
    if np.ndim(a) == 1:
        return np.expand_dims(a, -1) * np.expand_dims(g, -2)
    if np.ndim(a) > 2 and np.ndim(b) == 2 and np.size(a):
        k, m = np.shape(b)
        return np.swapaxes(np.reshape(a, (-1, k)), 0, 1) @ np.reshape(g, (-1, m))
    return np.swapaxes(a, -1, -2) @ g


declare(
    np.matmul,
    matmul_vjp_a,
    matmul_vjp_b,
    definition=matmul,
    symbol="@",
    samples=matmul_samples,
    fits="the last size of the first must equal the last but one of the second (the only one of a "
    "vector), and the axes before them broadcast",
)
