"""What PyTorch computes for each op of the table: the third oracle.

A new op needs a line in `TWINS`: the function that people call, and a function of PyTorch that
takes the same arguments, with arrays as tensors,

    np.deg2rad: torch.deg2rad,

and `tests/test_engine_torch.py` then holds values, gradients and gradients of gradients against
it, and `tests/programs.py` puts it into random programs. Where the conventions differ (axes,
options, ties), the twin is an adapter, and a comment says what differs. A twin may give a tuple or
a list, if the op does. Where PyTorch has no such function, compose it of those that it has; where
that is pointless, give the reason in `WITHOUT`.
"""

import itertools
import math
import warnings

import numpy as np
import torch
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from groundup import engine
from groundup.engine.op import TABLE
from groundup.engine.ops import index, matrix, products, shape, window

D = torch.distributions
torch.set_num_threads(1)  # with arrays this small a second one only takes a core from others

# How the oracle is asked


def in_torch(arg, leaves=True):
    """An argument as its twin takes it: each array a tensor, and a leaf if it is one of floats."""
    if type(arg) in (list, tuple):
        return type(arg)(in_torch(item, leaves) for item in arg)
    if isinstance(arg, np.generic):
        return torch.tensor(arg)  # a constant to `op_as_function` too
    if not isinstance(arg, np.ndarray):
        return arg
    return torch.tensor(arg.copy(), requires_grad=leaves and arg.dtype.kind == "f")


def leaves_of(arg):
    """The leaves in an argument, in the order of `op_as_function`."""
    if type(arg) in (list, tuple):
        return [leaf for item in arg for leaf in leaves_of(item)]
    return [arg] if isinstance(arg, torch.Tensor) and arg.requires_grad else []


def in_one(out):
    """Several results one after the other in one row, as `joined` has them."""
    return torch.cat([part.reshape(-1) for part in out]) if isinstance(out, list | tuple) else out


def grads_of(out, leaves, seed=None, recorded=False):
    """The gradients of the leaves, zeros where `out` does not depend on them."""
    if not out.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    return torch.autograd.grad(
        out, leaves, seed, create_graph=recorded, allow_unused=True, materialize_grads=True
    )


def house():
    """The rows of the table that groundup declares, and not a test or a user."""
    return [op for op in TABLE.values() if op.home.startswith("groundup.")]


# Axes: numpy takes one, several, none at all `()`, or None for all; PyTorch often takes one, and
# `()` is all to it. So the axes that go become one, the last.


def axes_of(a, axis):
    if axis is None:
        return tuple(range(a.ndim))
    return tuple(i % a.ndim for i in np.atleast_1d(axis).astype(int).tolist())


def reduced(function):
    """A twin that reduces by `function(rows)`, which reduces the last axis."""

    def twin(a, axis=None, keepdims=False):
        gone = axes_of(a, axis)
        rest = [i for i in range(a.ndim) if i not in gone]
        sides = [a.shape[i] for i in rest]
        rows = a.permute((*rest, *gone)).reshape(*sides, math.prod(a.shape[i] for i in gone))
        left = [1 if i in gone else n for i, n in enumerate(a.shape)]
        return function(rows).reshape(left if keepdims else sides)

    return twin


def one_axis(function):
    """A twin along one axis, or along all numbers in a row."""
    return lambda a, axis=None: function(a.reshape(-1), 0) if axis is None else function(a, axis)


def var(a, axis=None, keepdims=False, ddof=0, correction=None):
    return reduced(lambda rows: rows.var(-1, correction=ddof))(a, axis, keepdims)


def std(a, axis=None, keepdims=False, ddof=0, correction=None):
    # Where all are equal the slope of ours is 0; that of PyTorch's is NaN.
    square = var(a, axis, keepdims, ddof)
    return torch.where(square > 0, square, 1).sqrt() * (square > 0)


def average(a, axis=None, keepdims=False, weights=None):
    weights = torch.ones_like(a) if weights is None else weights
    total = reduced(lambda rows: rows.sum(-1))
    return total(a * weights, axis, keepdims) / total(weights, axis, keepdims)


# Indices: PyTorch's own know no negative step, so numpy says where the elements are.


def in_numpy(index):
    if isinstance(index, tuple | list):
        return type(index)(map(in_numpy, index))
    return index.numpy() if isinstance(index, torch.Tensor) else index


def places(shape, index):
    """The numbers, counted row by row, of the elements that an index of numpy names."""
    return torch.as_tensor(np.arange(math.prod(shape)).reshape(shape)[in_numpy(index)].copy())


def getitem(x, index):
    return x.reshape(-1)[places(x.shape, index)]


def scatter(x, index, shape):
    return index_add(torch.zeros(shape, dtype=x.dtype), index, x)


def index_add(x, index, values):
    at = places(x.shape, index)
    row = values.broadcast_to(at.shape).reshape(-1)
    return x.reshape(-1).index_add(0, at.reshape(-1), row).reshape(x.shape)


def index_set(x, index, values):
    at = places(x.shape, index)
    row = values.broadcast_to(at.shape).reshape(-1)
    return x.reshape(-1).index_copy(0, at.reshape(-1), row).reshape(x.shape)


def take(a, indices, axis=None):
    if axis is None:
        return torch.take(a, indices)
    axis %= a.ndim
    picked = torch.index_select(a, axis, indices.reshape(-1))
    return picked.reshape((*a.shape[:axis], *indices.shape, *a.shape[axis + 1 :]))


def pad(array, pad_width, mode="constant", constant_values=0.0):
    widths = np.broadcast_to(pad_width, (array.ndim, 2)).tolist()
    if mode == "constant":
        from_last = list(itertools.chain(*reversed(widths)))
        return F.pad(array, from_last, value=constant_values)
    # PyTorch's other modes take some axes of some arrays, so numpy says what lies in the border.
    for axis, width in enumerate(widths):
        along = np.pad(np.arange(array.shape[axis]), width, mode=mode)
        array = torch.index_select(array, axis, torch.as_tensor(along))
    return array


def expand_dims(a, axis):
    return a.reshape(np.expand_dims(np.empty(a.shape), axis).shape)


# Windows


def windows(x, size, stride, dilation):
    dims = len(size)
    for k, s, d in zip(size, stride, dilation, strict=True):
        # Each unfold puts its own axis last, so the next to be unfolded stays where it was.
        x = x.unfold(x.ndim - dims, d * (k - 1) + 1, s)[..., ::d]
    front = x.ndim - 2 * dims
    return x.movedim(tuple(range(-dims, 0)), tuple(range(front, front + dims)))


def unwindow(pieces, size, stride, dilation, shape):
    at = windows(torch.arange(math.prod(shape)).reshape(shape), size, stride, dilation)
    out = torch.zeros(math.prod(shape), dtype=pieces.dtype)
    return out.index_add(0, at.reshape(-1), pieces.reshape(-1)).reshape(shape)


def convolution(function):
    """A twin that is silent about the copy that it makes for padding="same"."""

    def twin(*args):
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            return function(*args)

    return twin


def max_pool(x, size, *options, **named):
    return (F.max_pool1d, F.max_pool2d)[len(size) - 1](x, size, *options, **named)


def avg_pool(x, size, **options):
    return (F.avg_pool1d, F.avg_pool2d)[len(size) - 1](x, size, **options)


# Products and matrices


def dot(a, b):
    return a * b if a.ndim == 0 or b.ndim == 0 else a @ b


def solve(a, b):
    # A b of two axes is a matrix to numpy; to PyTorch it may be a batch of vectors.
    if b.ndim > 1:
        b = b.broadcast_to(*a.shape[:-2], *b.shape[-2:])
    return torch.linalg.solve(a, b)


def cholesky(a):
    # Ours reads the whole matrix, PyTorch's the lower half.
    return torch.linalg.cholesky((a + a.mT) / 2)


# Vectors are known but for their sign, which two builds of LAPACK choose differently.


def same_signs(vectors, like):
    products = (vectors.detach() * torch.as_tensor(like)).sum(-2, keepdim=True)
    return torch.where(products < 0, -1.0, 1.0)


def eigh(a, UPLO="L"):
    a = (a + a.mT) / 2  # ours reads the whole matrix
    w, v = torch.linalg.eigh(a)
    return w, v * same_signs(v, np.linalg.eigh(a.detach().numpy()).eigenvectors)


def eigenpairs(a):
    w, v = eigh(a)
    return torch.cat([w[..., None, :], v], -2)


def svd(a, full_matrices=False, compute_uv=True):
    u, s, vh = torch.linalg.svd(a, full_matrices=False)
    signs = same_signs(u, np.linalg.svd(a.detach().numpy(), full_matrices=False).U)
    return (u * signs, s, vh * signs.mT) if compute_uv else s


def singular_triplets(a):
    u, s, vh = svd(a)
    return torch.cat([s[..., None, :], u, vh.mT], -2)


def norm(x, ord=None, axis=None, keepdims=False):
    axes = axes_of(x, axis)
    if len(axes) == 2 and ord is not None:
        return torch.linalg.matrix_norm(x, ord, axes, keepdim=keepdims)
    vector = lambda rows: torch.linalg.vector_norm(rows, 2 if ord is None else ord, dim=-1)  # noqa: E731
    return reduced(vector)(x, axis, keepdims)


# Networks


def layer_norm(x, weight=None, bias=None, eps=1e-5):
    return F.layer_norm(x, x.shape[-1:], weight, bias, eps)


def of_classes(function):
    """A twin with the classes last, where PyTorch has them second."""

    def twin(scores, targets, ignore_index=-100, weight=None, reduction="mean", **options):
        rows, labels = scores.reshape(-1, scores.shape[-1]), targets.reshape(-1)
        if weight is not None:
            weight = torch.tensor(weight, dtype=scores.dtype)
            options["weight"] = weight
        options["ignore_index"] = ignore_index
        if reduction == "none":
            return function(rows, labels, reduction="none", **options).reshape(targets.shape)
        total = function(rows, labels, reduction="sum", **options)
        counted = labels[labels != ignore_index]
        count = float(len(counted) if weight is None else weight[counted].sum())
        # The mean of none is 0 to us and NaN to PyTorch.
        return total / (count or 1) if reduction == "mean" else total

    return twin


def hinge_loss(input, target, margin=1.0, reduction="mean"):
    losses = F.relu(margin - target * input)
    return losses if reduction == "none" else getattr(losses, reduction)()


def kl_div(input, target, reduction="mean", log_target=False):
    # PyTorch warns of its own mean.
    losses = F.kl_div(input, target, reduction="none", log_target=log_target)
    return losses if reduction == "none" else getattr(losses, reduction)()


def bce(input, target, weight=None, pos_weight=None, reduction="mean"):
    positive = None if pos_weight is None else torch.tensor(pos_weight, dtype=input.dtype)
    return F.binary_cross_entropy_with_logits(
        input, target, weight, pos_weight=positive, reduction=reduction
    )


def soft_cross_entropy(logits, wanted, weight=None, label_smoothing=0.0, reduction="mean"):
    classes_second = logits.movedim(-1, min(1, logits.ndim - 1))
    wanted = wanted.movedim(-1, min(1, logits.ndim - 1))
    weight = None if weight is None else torch.tensor(weight, dtype=logits.dtype)
    options = {"reduction": reduction, "label_smoothing": label_smoothing}
    return F.cross_entropy(classes_second, wanted, weight, **options)


def multi_margin_loss(scores, targets, p, margin, weight=None, reduction="mean"):
    # Of PyTorch's own, which `test_nn_parity.py` asks, there is no second derivative.
    rows, labels = scores.reshape(-1, scores.shape[-1]), targets.reshape(-1, 1)
    short = F.relu(margin - rows.gather(1, labels) + rows) ** p
    others = torch.arange(rows.shape[-1]) != labels
    losses = (short * others).sum(-1) / rows.shape[-1]
    if weight is not None:
        losses = losses * torch.tensor(weight, dtype=scores.dtype)[labels[:, 0]]
    losses = losses.reshape(targets.shape)
    return losses if reduction == "none" else getattr(losses, reduction)()


def attention(q, k, v, attn_mask=None, dropout_mask=None, is_causal=False, scale=None):
    # PyTorch's takes one mask alone, of either kind, and makes the dropout itself.
    causal = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril()
    if is_causal and attn_mask is not None:
        dark = ~causal if attn_mask.is_floating_point() else torch.tensor(False)
        attn_mask = attn_mask.masked_fill(dark, -math.inf) if dark.ndim else attn_mask & causal
    elif is_causal:
        attn_mask = causal
    if dropout_mask is not None:
        # Of the identity as values, attention gives its weights.
        units = torch.eye(k.shape[-2], dtype=v.dtype).broadcast_to(*k.shape[:-1], k.shape[-2])
        return (attention(q, k, units, attn_mask, scale=scale) * dropout_mask) @ v
    with sdpa_kernel(SDPBackend.MATH):  # the others have no second derivative
        return F.scaled_dot_product_attention(q, k, v, attn_mask, scale=scale)


def recurrent(cell):
    """A layer of PyTorch's cell whose input weight is the identity, as ours is handed products."""

    def twin(x, *rest, nonlinearity="tanh"):
        *state, weight, bias, live, reverse = rest
        unit = torch.eye(weight.shape[0], dtype=x.dtype)
        step = {"relu": torch.rnn_relu_cell}.get(nonlinearity, cell)
        after = {}
        for t in reversed(range(len(x))) if reverse else range(len(x)):
            handed = state if len(state) > 1 else state[0]
            new = step(x[t], handed, unit, weight, None if bias is None else 0 * bias, bias)
            new = list(new) if isinstance(new, tuple) else [new]
            if live is not None:
                new = [torch.where(live[t, :, None], n, s) for n, s in zip(new, state, strict=True)]
            after[t] = state = new
        return torch.stack([*(after[t][0] for t in range(len(x))), *state[1:]])

    return twin


# The gamma function. PyTorch's trigamma is right to some 5e-10 alone (2.13, against mpmath), its
# zeta to rounding, and ψ′(x) is ζ(2, x): so that is the slope of digamma, and polygamma(1, x).


def with_slope(function, slope):
    class Twin(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return function(x)

        @staticmethod
        def backward(ctx, g):
            return g * slope(*ctx.saved_tensors)

    return Twin.apply


def polygamma(n, x):
    return torch.special.zeta(2.0, x) if n == 1 else torch.polygamma(n, x)


digamma = with_slope(torch.digamma, lambda x: polygamma(1, x))
lgamma = with_slope(torch.lgamma, digamma)


# Distributions: not validated, as the samples of a Dirichlet's x do not sum to 1.


def log_prob(distribution):
    """A twin that takes a number, or numbers, and then the distribution's parameters."""
    return lambda x, *parameters: distribution(*parameters, validate_args=False).log_prob(x)


def bernoulli_log_prob(x, logits):
    return D.Bernoulli(logits=logits, validate_args=False).log_prob(x.to(logits.dtype))


def categorical_log_prob(x, logits):
    return D.Categorical(logits=logits, validate_args=False).log_prob(x)


TWINS = {
    # arithmetic
    np.add: torch.add,
    np.subtract: torch.subtract,
    np.multiply: torch.multiply,
    np.divide: torch.divide,
    np.negative: torch.negative,
    np.positive: torch.positive,
    np.remainder: torch.remainder,
    np.power: torch.pow,
    # functions of one number
    np.exp: torch.exp,
    np.exp2: torch.exp2,
    np.expm1: torch.expm1,
    np.log: torch.log,
    np.log2: torch.log2,
    np.log10: torch.log10,
    np.log1p: torch.log1p,
    np.sqrt: torch.sqrt,
    np.cbrt: lambda a: torch.sign(a) * torch.abs(a) ** (1 / 3),
    np.square: torch.square,
    np.reciprocal: torch.reciprocal,
    np.absolute: torch.abs,
    np.sin: torch.sin,
    np.cos: torch.cos,
    np.tan: torch.tan,
    np.arcsin: torch.asin,
    np.arccos: torch.acos,
    np.arctan: torch.atan,
    np.sinh: torch.sinh,
    np.cosh: torch.cosh,
    np.tanh: torch.tanh,
    np.arcsinh: torch.asinh,
    np.arccosh: torch.acosh,
    np.arctanh: torch.atanh,
    # functions of two numbers, and choices
    np.hypot: torch.hypot,
    np.arctan2: torch.atan2,
    np.logaddexp: torch.logaddexp,
    np.maximum: torch.maximum,
    np.minimum: torch.minimum,
    np.where: torch.where,
    np.clip: torch.clip,
    # activations
    engine.relu: F.relu,
    engine.erf: torch.erf,
    engine.gelu: F.gelu,
    engine.sigmoid: torch.sigmoid,
    engine.softplus: F.softplus,
    engine.silu: F.silu,
    engine.leaky_relu: F.leaky_relu,
    engine.elu: F.elu,
    engine.selu: F.selu,
    # the gamma function
    engine.lgamma: lgamma,
    engine.digamma: digamma,
    engine.polygamma: polygamma,
    # reductions
    np.sum: reduced(lambda rows: rows.sum(-1)),
    np.mean: reduced(lambda rows: rows.mean(-1)),
    np.var: var,
    np.std: std,
    np.linalg.norm: norm,
    np.prod: reduced(lambda rows: rows.prod(-1)),
    np.max: reduced(lambda rows: rows.amax(-1)),
    np.min: reduced(lambda rows: rows.amin(-1)),
    engine.logsumexp: reduced(lambda rows: torch.logsumexp(rows, -1)),
    np.cumsum: one_axis(torch.cumsum),
    np.cumprod: one_axis(torch.cumprod),
    engine.softmax: lambda x, axis=-1: torch.softmax(x, axis),
    engine.log_softmax: lambda x, axis=-1: torch.log_softmax(x, axis),
    # shapes
    shape.identity: torch.clone,
    np.reshape: torch.reshape,
    np.ravel: torch.ravel,
    np.transpose: lambda a, axes=None: a.permute(axes or axes_of(a, None)[::-1]),
    np.swapaxes: torch.swapaxes,
    np.moveaxis: torch.moveaxis,
    np.expand_dims: expand_dims,
    np.squeeze: lambda a, axis=None: torch.squeeze(a, axes_of(a, axis)),
    np.broadcast_to: torch.broadcast_to,
    np.flip: lambda m, axis=None: torch.flip(m, axes_of(m, axis)),
    np.roll: torch.roll,
    np.tril: torch.tril,
    np.triu: torch.triu,
    np.concatenate: lambda arrays, axis=0: torch.cat(arrays, axis),
    np.stack: lambda arrays, axis=0: torch.stack(arrays, axis),
    np.split: lambda a, cuts, axis=0: torch.tensor_split(a, cuts, axis),
    np.tile: lambda a, reps: torch.tile(a, (reps,) if isinstance(reps, int) else reps),
    np.repeat: torch.repeat_interleave,
    np.pad: pad,
    # other names
    np.atleast_1d: torch.atleast_1d,
    np.atleast_2d: torch.atleast_2d,
    np.vstack: torch.vstack,
    np.hstack: torch.hstack,
    np.column_stack: torch.column_stack,
    np.array_split: lambda a, cuts, axis=0: torch.tensor_split(a, cuts, axis),
    np.diff: torch.diff,
    np.average: average,
    np.copy: torch.clone,
    np.ptp: lambda a, axis=None: a.amax(axis) - a.amin(axis),
    np.fliplr: torch.fliplr,
    np.flipud: torch.flipud,
    np.append: lambda a, b, axis=None: torch.cat(
        [a, b] if axis is not None else [a.ravel(), b.ravel()], axis or 0
    ),
    # picking by index
    shape.getitem: getitem,
    shape.scatter: scatter,
    index.index_add: index_add,
    index.index_set: index_set,
    engine.embedding: lambda weight, ids: F.embedding(ids, weight),
    np.take: take,
    np.take_along_axis: torch.take_along_dim,
    np.sort: lambda a, axis=-1: torch.sort(a, axis).values,
    engine.topk: lambda x, k, axis=-1: torch.topk(x, k, axis),
    # products
    np.matmul: torch.matmul,
    np.outer: torch.outer,
    np.dot: dot,
    np.inner: torch.inner,
    np.vdot: lambda a, b: torch.dot(a.ravel(), b.ravel()),
    np.kron: lambda a, b: torch.kron(a.contiguous(), b.contiguous()),  # 2.13 fails on transposes
    np.einsum: torch.einsum,
    products.einsum: torch.einsum,
    np.tensordot: torch.tensordot,
    engine.linear: F.linear,
    # matrices
    np.diagonal: torch.diagonal,
    np.trace: lambda *args: torch.diagonal(*args).sum(-1),
    np.diag: torch.diag,
    np.linalg.det: torch.linalg.det,
    np.linalg.inv: torch.linalg.inv,
    np.linalg.solve: solve,
    np.linalg.cholesky: cholesky,
    np.linalg.slogdet: torch.linalg.slogdet,
    matrix.log_abs_det: lambda a: torch.linalg.slogdet(a).logabsdet,
    np.linalg.eigh: eigh,
    np.linalg.eigvalsh: lambda a, UPLO="L": eigh(a)[0],
    matrix.eigenpairs: eigenpairs,
    np.linalg.svd: svd,
    np.linalg.svdvals: torch.linalg.svdvals,
    matrix.singular_triplets: singular_triplets,
    matrix.inverse_or_0: torch.reciprocal,
    # networks
    engine.layer_norm: layer_norm,
    engine.rms_norm: lambda x, weight=None: F.rms_norm(x, x.shape[-1:], weight, eps=1e-6),
    # losses
    engine.mse_loss: F.mse_loss,
    engine.l1_loss: F.l1_loss,
    engine.huber_loss: lambda x, t, delta, reduction: F.huber_loss(x, t, reduction, delta),
    engine.hinge_loss: hinge_loss,
    engine.binary_cross_entropy_with_logits: bce,
    engine.kl_div: kl_div,
    engine.nll_loss: of_classes(F.nll_loss),
    engine.cross_entropy: of_classes(F.cross_entropy),
    engine.soft_cross_entropy: soft_cross_entropy,
    engine.multi_margin_loss: multi_margin_loss,
    engine.scaled_dot_product_attention: attention,
    engine.rnn: recurrent(torch.rnn_tanh_cell),
    engine.lstm: recurrent(torch.lstm_cell),
    engine.gru: recurrent(torch.gru_cell),
    engine.conv1d: convolution(F.conv1d),
    engine.conv2d: convolution(F.conv2d),
    engine.max_pool: max_pool,
    engine.avg_pool: avg_pool,
    window.windows: windows,
    window.unwindow: unwindow,
    # distributions
    engine.normal_log_prob: log_prob(D.Normal),
    engine.gumbel_log_prob: log_prob(D.Gumbel),
    engine.exponential_log_prob: log_prob(D.Exponential),
    engine.gamma_log_prob: log_prob(D.Gamma),
    engine.beta_log_prob: log_prob(D.Beta),
    engine.dirichlet_log_prob: log_prob(D.Dirichlet),
    engine.bernoulli_log_prob: bernoulli_log_prob,
    engine.categorical_log_prob: categorical_log_prob,
}

# Whose second derivative PyTorch computes by its trigamma, and so less precisely than ours.
BY_TRIGAMMA = {engine.gamma_log_prob, engine.beta_log_prob, engine.dirichlet_log_prob}

# An op without a twin, and the reason in a sentence.
WITHOUT: dict[object, str] = {}
