"""The third oracle: PyTorch, where it is installed, in float64, away from ties."""

from typing import Any

import numpy as np
import pytest

from groundup import engine
from groundup.engine import Tensor

torch = pytest.importorskip("torch")
F = torch.nn.functional
D = torch.distributions

rng = np.random.default_rng(0)
ANY = rng.normal(size=(3, 4))
POSITIVE = rng.uniform(0.5, 3, size=(3, 4))
SMALL = rng.uniform(-0.9, 0.9, size=(3, 4))
ROW = rng.normal(size=4)
PICTURES = rng.normal(size=(4, 2, 5, 4))
SIGNALS = rng.normal(size=(2, 2, 6))
FILTERS = rng.normal(size=(4, 2, 3))
SQUARE = ANY[:, :3] + 4 * np.eye(3)
IDS = np.array([0, 2, 0])
MASK = np.tri(3, dtype=bool)

CASES: dict[str, Any] = {
    "exp2": (np.exp2, torch.exp2, ANY),
    "expm1": (np.expm1, torch.expm1, ANY),
    "log2": (np.log2, torch.log2, POSITIVE),
    "log10": (np.log10, torch.log10, POSITIVE),
    "log1p": (np.log1p, torch.log1p, POSITIVE),
    "square": (np.square, torch.square, ANY),
    "reciprocal": (np.reciprocal, torch.reciprocal, POSITIVE),
    "sin": (np.sin, torch.sin, ANY),
    "cos": (np.cos, torch.cos, ANY),
    "tan": (np.tan, torch.tan, SMALL),
    "arcsin": (np.arcsin, torch.asin, SMALL),
    "arccos": (np.arccos, torch.acos, SMALL),
    "arctan": (np.arctan, torch.atan, ANY),
    "sinh": (np.sinh, torch.sinh, ANY),
    "cosh": (np.cosh, torch.cosh, ANY),
    "tanh": (np.tanh, torch.tanh, ANY),
    "hypot": (np.hypot, torch.hypot, ANY, ROW),
    "arctan2": (np.arctan2, torch.atan2, ANY, ROW),
    "logaddexp": (np.logaddexp, torch.logaddexp, ANY, ROW),
    "power": (np.power, torch.pow, POSITIVE, ROW),
    "divide": (np.divide, torch.divide, ANY, POSITIVE),
    "maximum": (np.maximum, torch.maximum, ANY, ROW),
    "clip": (lambda x: np.clip(x, -0.5, 0.5), lambda x: torch.clip(x, -0.5, 0.5), ANY),
    "erf": (engine.erf, torch.erf, ANY),
    "relu": (engine.relu, F.relu, ANY),
    "gelu": (engine.gelu, F.gelu, ANY),
    "gelu tanh": (
        lambda x: engine.gelu(x, approximate="tanh"),
        lambda x: F.gelu(x, approximate="tanh"),
        ANY,
    ),
    "sigmoid": (engine.sigmoid, torch.sigmoid, ANY),
    "silu": (engine.silu, F.silu, ANY),
    "softplus": (engine.softplus, F.softplus, ANY),
    "elu": (engine.elu, F.elu, ANY),
    "leaky_relu": (engine.leaky_relu, F.leaky_relu, ANY),
    "sum": (lambda x: np.sum(x, axis=(0, 1)), torch.sum, ANY),
    "mean": (lambda x: np.mean(x, axis=1), lambda x: x.mean(1), ANY),
    "max": (lambda x: np.max(x, axis=1), lambda x: x.amax(1), ANY),
    "var": (lambda x: np.var(x, axis=0), lambda x: x.var(0, correction=0), ANY),
    "std": (lambda x: np.std(x, axis=0), lambda x: x.std(0, correction=0), ANY),
    "norm": (np.linalg.norm, torch.linalg.norm, ANY),
    "cumsum": (lambda x: np.cumsum(x, axis=1), lambda x: torch.cumsum(x, 1), ANY),
    "logsumexp": (
        lambda x: engine.logsumexp(x, axis=1),
        lambda x: torch.logsumexp(x, 1),
        ANY,
    ),
    "softmax": (engine.softmax, lambda x: torch.softmax(x, -1), ANY),
    "log_softmax": (engine.log_softmax, lambda x: torch.log_softmax(x, -1), ANY),
    "flip": (lambda x: np.flip(x, 0), lambda x: torch.flip(x, (0,)), ANY),
    "triu": (lambda x: np.triu(x, 1), lambda x: torch.triu(x, 1), ANY),
    "arcsinh": (np.arcsinh, torch.arcsinh, ANY),
    "arccosh": (np.arccosh, torch.arccosh, POSITIVE + 1),
    "arctanh": (np.arctanh, torch.arctanh, SMALL),
    "selu": (engine.selu, F.selu, ANY),
    "prod": (lambda x: np.prod(x, axis=1), lambda x: x.prod(1), ANY),
    "cumprod": (lambda x: np.cumprod(x, axis=1), lambda x: torch.cumprod(x, 1), ANY),
    "sort": (np.sort, lambda x: torch.sort(x, -1).values, ANY),
    "topk": (lambda x: engine.topk(x, 2).values, lambda x: torch.topk(x, 2).values, ANY),
    "roll": (lambda x: np.roll(x, 2, axis=1), lambda x: torch.roll(x, 2, 1), ANY),
    "tile": (lambda x: np.tile(x, (2, 1)), lambda x: torch.tile(x, (2, 1)), ANY),
    "repeat": (
        lambda x: np.repeat(x, 2, axis=0),
        lambda x: torch.repeat_interleave(x, 2, 0),
        ANY,
    ),
    "pad": (
        lambda x: np.pad(x, ((0, 0), (1, 2)), mode="reflect"),
        lambda x: F.pad(x, (1, 2), mode="reflect"),
        ANY,
    ),
    "split": (lambda x: np.split(x, [1], axis=1)[1], lambda x: torch.split(x, [1, 3], 1)[1], ANY),
    "take_along_axis": (
        lambda x: np.take_along_axis(x, IDS[:, None], axis=1),
        lambda x: torch.take_along_dim(x, torch.tensor(IDS[:, None]), 1),
        ANY,
    ),
    "einsum": (
        lambda a, b: np.einsum("ij,kj->ik", a, b),
        lambda a, b: torch.einsum("ij,kj->ik", a, b),
        *(ANY, SMALL),
    ),
    "einsum of a diagonal": (
        lambda a, b: np.einsum("ii,ik->k", a, b),
        lambda a, b: torch.einsum("ii,ik->k", a, b),
        *(SQUARE, ANY),
    ),
    "tensordot": (
        lambda a, b: np.tensordot(a, b, 2),
        lambda a, b: torch.tensordot(a, b, 2),
        *(ANY, SMALL),
    ),
    "inner": (np.inner, torch.inner, ANY, ROW),
    "kron": (np.kron, torch.kron, ANY, ROW),
    "trace": (np.trace, torch.trace, SQUARE),
    "diagonal": (np.diagonal, torch.diagonal, ANY),
    "diag": (np.diag, torch.diag, ROW),
    "det": (np.linalg.det, torch.linalg.det, SQUARE),
    "inv": (np.linalg.inv, torch.linalg.inv, SQUARE),
    "solve": (np.linalg.solve, torch.linalg.solve, SQUARE, ANY),
    "cholesky": (
        lambda a: np.linalg.cholesky(a @ a.T),
        lambda a: torch.linalg.cholesky(a @ a.T),
        SQUARE,
    ),
    "index_add": (
        lambda x, v: x.at[IDS].add(v),
        lambda x, v: x.index_add(0, torch.tensor(IDS), v),
        *(ANY, ANY),
    ),
    "lgamma": (engine.lgamma, torch.lgamma, POSITIVE),
    "digamma": (engine.digamma, torch.digamma, POSITIVE),
    "polygamma": (
        lambda x: engine.polygamma(2, x),
        lambda x: torch.polygamma(2, x),
        POSITIVE,
    ),
    "conv1d": (
        lambda x, w, b: engine.conv1d(x, w, b, stride=2, padding=1),
        lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=1),
        *(SIGNALS, FILTERS, ROW),
    ),
    "conv2d": (
        lambda x, w: engine.conv2d(x, w, padding=1, dilation=2, groups=2),
        lambda x, w: F.conv2d(x, w, padding=1, dilation=2, groups=2),
        *(PICTURES, PICTURES[:, :1, :2, :2]),
    ),
    "max_pool": (
        lambda x: engine.max_pool(x, (3, 2), stride=2, padding=1),
        lambda x: F.max_pool2d(x, (3, 2), stride=2, padding=1),
        PICTURES,
    ),
    "avg_pool": (
        lambda x: engine.avg_pool(x, (2, 2), padding=1),
        lambda x: F.avg_pool2d(x, 2, padding=1),
        PICTURES,
    ),
    "normal": (
        engine.normal_log_prob,
        lambda x, m, s: D.Normal(m, s).log_prob(x),
        *(ANY, ROW, POSITIVE),
    ),
    "gumbel": (
        engine.gumbel_log_prob,
        lambda x, m, s: D.Gumbel(m, s).log_prob(x),
        *(ANY, ROW, POSITIVE),
    ),
    "exponential": (
        engine.exponential_log_prob,
        lambda x, r: D.Exponential(r).log_prob(x),
        *(POSITIVE, POSITIVE[::-1]),
    ),
    "bernoulli": (
        lambda z: engine.bernoulli_log_prob(MASK[:, :1], z),
        lambda z: D.Bernoulli(logits=z).log_prob(torch.tensor(MASK[:, :1] * 1.0)),
        ANY,
    ),
    "categorical": (
        lambda z: engine.categorical_log_prob(IDS, z),
        lambda z: D.Categorical(logits=z).log_prob(torch.tensor(IDS)),
        ANY,
    ),
    "gamma": (
        engine.gamma_log_prob,
        lambda x, a, r: D.Gamma(a, r).log_prob(x),
        *(POSITIVE, POSITIVE[::-1], POSITIVE[:, ::-1]),
    ),
    "beta": (
        engine.beta_log_prob,
        lambda x, a, b: D.Beta(a, b).log_prob(x),
        *((SMALL + 1) / 2, POSITIVE, POSITIVE[::-1]),
    ),
    "dirichlet": (
        lambda z, a: engine.dirichlet_log_prob(engine.softmax(z), a),
        lambda z, a: D.Dirichlet(a).log_prob(torch.softmax(z, -1)),
        *(ANY, POSITIVE),
    ),
    "outer": (np.outer, torch.outer, ROW, ROW),
    "dot": (np.dot, torch.dot, ROW, ROW),
    "matmul": (np.matmul, torch.matmul, ANY, ROW),
    "linear": (engine.linear, F.linear, ROW, ANY, ROW[:3]),
    "stack": (lambda x, y: np.stack([x, y], axis=1), lambda x, y: torch.stack([x, y], 1), ANY, ANY),
    "index": (lambda x: x[IDS], lambda x: x[torch.tensor(IDS)], ANY),
    "embedding": (
        lambda w: engine.embedding(w, IDS),
        lambda w: F.embedding(torch.tensor(IDS), w),
        ANY,
    ),
    "layer_norm": (engine.layer_norm, lambda x, w, b: F.layer_norm(x, (4,), w, b), ANY, ROW, ROW),
    "cross_entropy": (
        lambda x: engine.cross_entropy(x, np.array([0, -100, 3])),
        lambda x: F.cross_entropy(x, torch.tensor([0, -100, 3])),
        ANY,
    ),
    "attention": (
        lambda q, k, v: engine.scaled_dot_product_attention(q, k, v, MASK),
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, torch.tensor(MASK)),
        *(ANY, ANY[::-1], SMALL),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_equal_pytorch_s(name):
    ours, theirs, *data = CASES[name]
    here = [Tensor(x, requires_grad=True) for x in data]
    there = [torch.tensor(x.copy(), requires_grad=True) for x in data]
    out, expected = ours(*here), theirs(*there)
    np.testing.assert_allclose(out.data, expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    seed = rng.normal(size=out.shape)
    out.backward(seed)
    expected.backward(torch.tensor(seed))
    for one, other in zip(here, there, strict=True):
        np.testing.assert_allclose(one.grad, other.grad.numpy(), rtol=1e-9, atol=1e-12)
