"""What a matrix comes apart into: determinant, inverse, root, eigenvectors, singular vectors.

LAPACK computes them on arrays. On Values each is computed as a textbook does it, which is the
oracle for the rule. A function of several results is one op, whose results are rows of one array,
and slices of that: so a gradient of several parts needs nothing new.
"""

from __future__ import annotations

import itertools
from collections import namedtuple
from typing import Any

import numpy as np

from ..op import constant, declare, op
from ..samples import POSITIVE, REAL, SMALL, Call, Domain, Draw, call, elementwise
from .products import trace


def transposed(a: Any) -> Any:
    return np.swapaxes(a, -1, -2)


def symmetrised(a: Any) -> Any:
    return (a + transposed(a)) / 2


def matrices(draw: Draw, shapes: str, domain: Domain = REAL) -> np.ndarray:
    """One matrix "nm", or several "bnm"."""
    return draw.arrays(draw.choice((f"b{shapes}", shapes)), domain)[0]


def regular_samples(draw: Draw) -> Call:
    """Square matrices far from singular: a heavy diagonal."""
    a = matrices(draw, "nn")
    return call(a + 8 * np.eye(a.shape[-1]))


def cofactors(a: Any) -> Any:
    """∂ det(a) / ∂a, as a polynomial of a: right for singular matrices too (Faddeev, LeVerrier)."""
    n = np.shape(a)[-1]
    one = np.eye(n)
    m = one + 0 * a
    for k in range(1, n):
        am = a @ m
        m = am - np.expand_dims(trace(am, 0, -2, -1), (-2, -1)) / k * one
    return transposed(m) * (-1) ** (n - 1)


def det_vjp(g: Any, out: Any, a: Any) -> Any:
    if near_singular(a):
        return g[..., None, None] * cofactors(a)
    return log_abs_det_vjp(g * out, out, a)


@constant
def near_singular(a: Any) -> bool:
    """Whether an inverse would have few digits left."""
    return bool(np.size(a) and np.any(np.linalg.cond(a) > 1e10))


def det_on_scalars(a: Any) -> Any:
    """By its first row, as is learnt at school."""
    return np.sum(a[..., 0, :] * cofactors(a)[..., 0, :], axis=-1)


declare(np.linalg.det, det_vjp, on_scalars=det_on_scalars, samples=regular_samples)


def log_abs_det_vjp(g: Any, out: Any, a: Any) -> Any:
    return g[..., None, None] * transposed(np.linalg.inv(a))


def log_abs_det_on_scalars(a: Any) -> Any:
    return np.log(np.abs(det_on_scalars(a)))


@op(log_abs_det_vjp, on_scalars=log_abs_det_on_scalars, samples=regular_samples)
def log_abs_det(a: Any) -> Any:
    """log |det a|, which neither overflows nor vanishes for a large matrix."""
    return np.linalg.slogdet(a).logabsdet


@constant
def sign_of_det(a: Any) -> Any:
    """1, −1, or 0 for a singular matrix."""
    return np.linalg.slogdet(a).sign


SlogdetResult = namedtuple("SlogdetResult", "sign logabsdet")


def slogdet(a: Any) -> SlogdetResult:
    """The sign of the determinant, which is flat, and the logarithm of its size."""
    return SlogdetResult(sign_of_det(a), log_abs_det(a))


declare(np.linalg.slogdet, definition=slogdet, samples=regular_samples, inline=True)


def inv_vjp(g: Any, out: Any, a: Any) -> Any:
    return -(transposed(out) @ g @ transposed(out))


def inv_on_scalars(a: Any) -> Any:
    """By Cramer's rule."""
    return transposed(cofactors(a)) / np.expand_dims(det_on_scalars(a), (-2, -1))


declare(np.linalg.inv, inv_vjp, on_scalars=inv_on_scalars, samples=regular_samples)


def solve_vjp_a(g: Any, out: Any, a: Any, b: Any) -> Any:
    share = np.linalg.solve(transposed(a), g)
    if np.ndim(b) == 1:
        return -np.expand_dims(share, -1) * np.expand_dims(out, -2)
    return -(share @ transposed(out))


def solve_samples(draw: Draw) -> Call:
    (a,), _ = regular_samples(draw)
    vector = a.ndim == 2 and draw.boolean()
    return call(a, draw.array((len(a),) if vector else (a.shape[-1], 2)))


declare(
    np.linalg.solve,
    solve_vjp_a,
    lambda g, out, a, b: np.linalg.solve(transposed(a), g),
    on_scalars=lambda a, b: inv_on_scalars(a) @ b,
    samples=solve_samples,
    fits="a (…, n, n) needs b (n,) or (…, n, k)",
)


def cholesky_vjp(g: Any, out: Any, a: Any) -> Any:
    """l⁻ᵀ Φ(lᵀ ∂l) l⁻¹, made symmetric, Φ the lower triangle with half of its diagonal (Murray,
    2016)."""
    lower = np.tril(transposed(out) @ g) * (1 - 0.5 * np.eye(np.shape(a)[-1]))
    inverse = np.linalg.inv(out)
    return symmetrised(transposed(inverse) @ lower @ inverse)


def cholesky(a: Any) -> Any:
    """l lᵀ = (a + aᵀ) / 2, as only symmetric matrices have such a root."""
    return np.linalg.cholesky(symmetrised(a))


def cholesky_on_scalars(a: Any) -> Any:
    """Row by row, each number from those before it (Cholesky–Banachiewicz)."""
    a = symmetrised(a)
    out = np.zeros(np.shape(a), dtype=object) + 0 * a
    for i in range(np.shape(a)[-1]):
        for j in range(i + 1):
            rest = a[..., i, j] - np.sum(out[..., i, :j] * out[..., j, :j], axis=-1)
            out[..., i, j] = np.sqrt(rest) if i == j else rest / out[..., j, j]
    return out


declare(
    np.linalg.cholesky, cholesky_vjp, definition=cholesky, on_scalars=cholesky_on_scalars,
    samples=regular_samples,
)  # fmt: skip


# Eigenvectors and singular vectors. Where two eigenvalues are equal, their vectors are any two in
# a plane, and have no derivative; a function of the values alone has one, and it is right.


@op(lambda g, out, x: -g * out * out, samples=elementwise(POSITIVE))
def inverse_or_0(x: Any) -> Any:
    """1 / x, and 0 at 0."""
    return np.where(x == 0, 0, 1 / (x + (x == 0)))


def eigenpairs_vjp(g: Any, out: Any, a: Any) -> Any:
    """v (diag(∂w) + F ∘ vᵀ ∂v) vᵀ, made symmetric, F[i, j] = 1 / (wⱼ − wᵢ) (Giles, 2008)."""
    w, v = out[..., :1, :], out[..., 1:, :]
    gaps = inverse_or_0(w - transposed(w))
    inside = np.eye(np.shape(a)[-1]) * g[..., :1, :] + gaps * (transposed(v) @ g[..., 1:, :])
    return symmetrised(v @ inside @ transposed(v))


def jacobi(a: Any) -> Any:
    """Rotate pairs of axes until nothing is left beside the diagonal (Jacobi, 1846)."""
    n, expected = np.shape(a)[-1], lapack_eigenpairs(a)
    a, v = symmetrised(a), np.eye(n)
    for _ in range(5):  # the rest is squared each time
        for p, q in itertools.combinations(range(n), 2):
            off, gap = 2 * a[..., p, q], a[..., q, q] - a[..., p, p]
            turn = 0.5 * np.arctan(off / (gap + ((off == 0) & (gap == 0))))  # 0 / 0: no turn
            rotation = np.zeros(np.shape(a), object) + np.eye(n)
            rotation[..., p, p] = rotation[..., q, q] = np.cos(turn)
            rotation[..., p, q], rotation[..., q, p] = np.sin(turn), -np.sin(turn)
            a, v = transposed(rotation) @ a @ rotation, v @ rotation
    w = np.diagonal(a, 0, -2, -1)[..., None, :]
    pairs = np.concatenate([w, v + 0 * a], axis=-2)
    pairs = np.take_along_axis(pairs, np.argsort(w, axis=-1), axis=-1)
    return pairs * same_signs(pairs, expected)


@constant
def lapack_eigenpairs(a: Any) -> np.ndarray:
    w, v = np.linalg.eigh(symmetrised(a))
    return np.concatenate([w[..., None, :], v], axis=-2)


@constant
def same_signs(pairs: Any, expected: np.ndarray) -> np.ndarray:
    """1 or −1 for each column of vectors, which are known but for their sign; 1 for the values."""
    turned = np.sum(pairs[..., 1:, :] * expected[..., 1:, :], axis=-2, keepdims=True) < 0
    first = np.arange(np.shape(expected)[-2])[:, None] == 0
    return np.where(turned & ~first, -1.0, 1.0)


# Where LAPACK meets an exact 0 it may turn a vector around, and finite differences would see that.
OFF = 1 / 32


def symmetric_samples(draw: Draw) -> Call:
    a = matrices(draw, "nn", SMALL)
    return call(a + np.diag(8.0 * np.arange(a.shape[-1])) + OFF)


@op(eigenpairs_vjp, on_scalars=jacobi, samples=symmetric_samples)
def eigenpairs(a: Any) -> Any:
    """Of (a + aᵀ) / 2: the eigenvalues, rising, as row 0; below, one to a column, their vectors.

    Args:
        a: (…, n, n).

    >>> eigenpairs(np.array([[2.0, 0.0], [0.0, 1.0]])).round(3)[0]
    array([1., 2.])
    """
    return lapack_eigenpairs(a)


EighResult = namedtuple("EighResult", "eigenvalues eigenvectors")


def eigh(a: Any, UPLO: str = "L") -> EighResult:
    """a = v diag(w) vᵀ of a symmetric matrix; of any other, that of (a + aᵀ) / 2."""
    pairs = eigenpairs(a)
    return EighResult(pairs[..., 0, :], pairs[..., 1:, :])


declare(np.linalg.eigh, definition=eigh, samples=symmetric_samples, inline=True)


def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    return eigenpairs(a)[..., 0, :]


declare(np.linalg.eigvalsh, definition=eigvalsh, samples=symmetric_samples)


def apart(triplets: Any, a: Any) -> tuple[Any, Any, Any]:
    """Row of singular values, left vectors, right vectors."""
    n = np.shape(a)[-2]
    return triplets[..., :1, :], triplets[..., 1 : n + 1, :], triplets[..., n + 1 :, :]


def singular_triplets_vjp(g: Any, out: Any, a: Any) -> Any:
    """u (diag(∂s) + (F ∘ skew(uᵀ ∂u)) s + s (F ∘ skew(vᵀ ∂v))) vᵀ, and what lies beside u and v,
    (1 − u uᵀ) ∂u vᵀ / s + u ∂vᵀ (1 − v vᵀ) / s; F[i, j] = 1 / (sⱼ² − sᵢ²) (Townsend, 2016)."""
    (s, u, v), (g_s, g_u, g_v) = apart(out, a), apart(g, a)
    gaps, k = inverse_or_0(s * s - transposed(s * s)), np.shape(s)[-1]
    in_u, in_v = transposed(u) @ g_u, transposed(v) @ g_v
    inside = np.eye(k) * g_s + gaps * (in_u - transposed(in_u)) * s
    inside = inside + transposed(s) * (gaps * (in_v - transposed(in_v)))
    beside_u, beside_v = (g_u - u @ in_u) * inverse_or_0(s), (g_v - v @ in_v) * inverse_or_0(s)
    return (u @ inside + beside_u) @ transposed(v) + u @ transposed(beside_v)


def triplets_on_scalars(a: Any) -> Any:
    """By the eigenvectors of aᵀ a, or of a aᵀ where that is smaller; the other side is a v / s."""
    n, m = np.shape(a)[-2:]
    wide = n < m
    tall = transposed(a) if wide else a
    pairs = np.flip(jacobi(transposed(tall) @ tall), -1)
    s, v = np.sqrt(pairs[..., :1, :]), pairs[..., 1:, :]
    u = tall @ v / s
    found = np.concatenate([s, v, u] if wide else [s, u, v], axis=-2)
    return found * same_signs(found, lapack_triplets(a))


@constant
def lapack_triplets(a: Any) -> np.ndarray:
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return np.concatenate([s[..., None, :], u, transposed(vh)], axis=-2)


def rectangle_samples(draw: Draw) -> Call:
    *batch, n, m = matrices(draw, "nm").shape
    a = draw.array((*batch, n, m), SMALL, distinct=True)
    return call(a + 8 * np.eye(n, m) * (1 + np.arange(m)) + OFF)


@op(singular_triplets_vjp, on_scalars=triplets_on_scalars, samples=rectangle_samples)
def singular_triplets(a: Any) -> Any:
    """The singular values, falling, as row 0; below, one to a column, the left vectors, and below
    these the right ones: (…, n, m) gives (…, 1 + n + m, min(n, m)).

    >>> singular_triplets(np.array([[3.0, 0.0], [0.0, 4.0]]))[0]
    array([4., 3.])
    """
    return lapack_triplets(a)


SVDResult = namedtuple("SVDResult", "U S Vh")


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """a = u diag(s) vh.

    Raises:
        ValueError: all of the vectors beside a smaller matrix of values are asked for: those that
            have no value are any, and have no derivative.
    """
    s, u, v = apart(singular_triplets(a), a)
    if not compute_uv:
        return s[..., 0, :]
    if full_matrices and np.shape(u)[-2] != np.shape(v)[-2]:
        raise ValueError(
            f"svd of shape {np.shape(a)}: pass full_matrices=False; the vectors beyond the "
            "singular values are any, so they have no derivative"
        )
    return SVDResult(u, s[..., 0, :], transposed(v))


def svd_samples(draw: Draw) -> Call:
    (a,), _ = rectangle_samples(draw)
    return call(a, full_matrices=False, compute_uv=not draw.boolean())


declare(np.linalg.svd, definition=svd, samples=svd_samples, inline=True)


def svdvals(x: Any) -> Any:
    return singular_triplets(x)[..., 0, :]


declare(np.linalg.svdvals, definition=svdvals, samples=rectangle_samples)
