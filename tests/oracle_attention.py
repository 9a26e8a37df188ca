"""How attention, Transformers and positions are tried against PyTorch's; see `oracle.py`.

Each trial leaves one key for all to see, since of a query that may look nowhere PyTorch makes NaN.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

import groundup
from groundup import nn
from groundup.engine.samples import Draw
from groundup.nn import functional as F
from oracle import Trial, parity, torch
from oracle_layers import dropped


def mask(draw: Draw, shape: tuple[int, ...], seen: int) -> Any:
    """None, or booleans, or numbers of which some are −∞; key `seen` is for all to see."""
    hidden = draw.array(shape) > 0
    hidden[..., seen] = False
    added = draw.array(shape)
    return draw.choice((None, hidden, added, np.where(hidden, -np.inf, added)))


def batched(x: Any, batch_first: bool) -> Any:
    """(B, T, E) as it is wanted."""
    return x if batch_first else np.swapaxes(x, 0, 1)


# Attention


class Functional(nn.Module):
    """A function as a layer."""

    def __init__(self, function: Any, **options: Any) -> None:
        self.function, self.options = function, options

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs, **self.options)


def torch_functional(function: Any, **options: Any) -> Any:
    class Functional(torch.nn.Module):
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs, **options)

    return Functional()


@parity(
    "scaled_dot_product_attention",
    lambda **options: Functional(F.scaled_dot_product_attention, **options),
    lambda **options: torch_functional(torch.nn.functional.scaled_dot_product_attention, **options),
    note="With masks of booleans and floats",
)
def scaled_dot_product_attention(draw: Draw) -> Trial:
    T, S, d, e = draw.sides(4, 1, 3)
    G, times = draw.sides(2, 1, 2)
    front = draw.choice(((), (2,)))
    gqa, is_causal = draw.boolean(), draw.boolean()
    options = {
        "is_causal": is_causal,
        "scale": draw.choice((None, 0.5)),
        "enable_gqa": gqa,
    }
    H = G * times if gqa else G
    q = draw.array((*front, H, T, d))
    k, v = draw.array((*front, G, S, d)), draw.array((*front, G, S, e))
    attn_mask = None if is_causal else mask(draw, (T, S), draw.integer(0, S - 1))
    if attn_mask is not None and attn_mask.dtype == bool:
        attn_mask = ~attn_mask  # True where it may look
    return Trial(options, (q, k, v, attn_mask))


def once_or_thrice(base: Any) -> Any:
    """MultiheadAttention that takes one input for all three, too."""

    class MultiheadAttention(base):
        def forward(self, *inputs: Any, **keywords: Any) -> Any:
            return super().forward(*(inputs * 3)[:3], **keywords)

    return MultiheadAttention


@parity(
    "MultiheadAttention",
    lambda **options: once_or_thrice(nn.MultiheadAttention)(**options),
    lambda **options: once_or_thrice(torch.nn.MultiheadAttention)(**options),
    note="With one input for all three or three, alone or in batches; masks of booleans and floats "
    "for padding and for pairs, the same for all or for each head; weights of all heads, averaged, "
    "or none. Each query may look somewhere: else PyTorch makes NaN, and this zeros. Dropout as of "
    "Dropout",
)
def multihead_attention(draw: Draw) -> Trial:
    H, D, B, T, S = draw.sides(5, 1, 2)
    E, same, single = H * D, draw.boolean(), draw.integer(1, 4) == 1
    B, S = 1 if single else B, T if same else S
    p, training = dropped(draw)
    options = {
        "embed_dim": E,
        "num_heads": H,
        "dropout": p,
        "bias": draw.boolean(),
        "add_bias_kv": draw.boolean(),
        "add_zero_attn": draw.boolean(),
        "kdim": draw.choice((None, E)) if same else draw.choice((None, E, 3)),
        "vdim": draw.choice((None, E)) if same else draw.choice((None, E, 3)),
        "batch_first": draw.boolean(),
    }
    widths = E, options["kdim"] or E, options["vdim"] or E
    arrays = [draw.array((B, n, width)) for n, width in zip((T, S, S), widths, strict=True)]
    arrays = [x[0] if single else batched(x, options["batch_first"]) for x in arrays]
    if same:
        arrays = [arrays[0]]

    seen = draw.integer(0, S - 1)
    keywords = {
        "key_padding_mask": mask(draw, (S,) if single else (B, S), seen),
        "attn_mask": mask(draw, draw.choice(((T, S), (B * H, T, S))), seen),
        "need_weights": draw.boolean(),
        "average_attn_weights": draw.boolean(),
    }
    if draw.boolean() and keywords["key_padding_mask"] is None:
        keywords |= {"attn_mask": np.tri(T, S) == 0, "is_causal": True}
        if options["add_bias_kv"] or options["add_zero_attn"]:
            keywords["need_weights"] = True  # without, PyTorch hides the extra key from some
    return Trial(options, tuple(arrays), training, keywords)


# Between recurrent networks


def pairing(draw: Draw, options: dict[str, Any]) -> Trial:
    queries, keys = options["query_dim"], options["key_dim"] or options["query_dim"]
    T, S, V = draw.sides(3, 1, 3)
    front = draw.choice(((), (2,), (1, 2)))
    q, k = draw.array((*front, T, queries)), draw.array((*front, S, keys))
    v = draw.choice((None, draw.array((*front, S, V))))
    padding = mask(draw, (*front, S), draw.integer(0, S - 1))
    return Trial(options, (q, k, v), keywords={"key_padding_mask": padding})


def read(score: Any, q: Any, k: Any, v: Any, key_padding_mask: Any) -> Any:
    """Pair by pair, in PyTorch."""
    rows = [
        torch.stack([score(q[..., t, :], k[..., s, :]) for s in range(k.shape[-2])], -1)
        for t in range(q.shape[-2])
    ]
    scores = torch.stack(rows, -2)
    if key_padding_mask is not None:
        hides = key_padding_mask[..., None, :]
        is_bool = hides.dtype == torch.bool
        scores = scores.masked_fill(hides, -torch.inf) if is_bool else scores + hides
    weights = torch.softmax(scores, -1)
    return weights @ (k if v is None else v), weights


def torch_additive(query_dim: int, key_dim: int, hidden_dim: int | None) -> Any:
    class Additive(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            hidden = hidden_dim or query_dim
            self.v_a = torch.nn.Parameter(torch.zeros(hidden))
            self.W_a = torch.nn.Linear(query_dim, hidden, bias=False)
            self.U_a = torch.nn.Linear(key_dim, hidden, bias=False)

        def score(self, q: Any, k: Any) -> Any:
            return torch.tanh(self.W_a(q) + self.U_a(k)) @ self.v_a

        def forward(self, q: Any, k: Any, v: Any, key_padding_mask: Any) -> Any:
            return read(self.score, q, k, v, key_padding_mask)

    return Additive()


def torch_multiplicative(query_dim: int, key_dim: int | None, method: str) -> Any:
    class Multiplicative(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            keys = key_dim or query_dim
            widths = {"general": keys, "concat": query_dim + keys}
            if method in widths:
                self.W_a = torch.nn.Parameter(torch.zeros(query_dim, widths[method]))
            if method == "concat":
                self.v_a = torch.nn.Parameter(torch.zeros(query_dim))

        def score(self, q: Any, k: Any) -> Any:
            if method == "concat":
                return torch.tanh(torch.cat([q, k], -1) @ self.W_a.T) @ self.v_a
            return ((q if method == "dot" else q @ self.W_a) * k).sum(-1)

        def forward(self, q: Any, k: Any, v: Any, key_padding_mask: Any) -> Any:
            return read(self.score, q, k, v, key_padding_mask)

    return Multiplicative()


EQUATION = "PyTorch has none: against the equation in it. With masks of booleans and floats"


@parity("AdditiveAttention", theirs=torch_additive, note=EQUATION)
def additive_attention(draw: Draw) -> Trial:
    options = {
        "query_dim": draw.integer(1, 3),
        "key_dim": draw.integer(1, 3),
        "hidden_dim": draw.choice((None, 1, 2)),
    }
    return pairing(draw, options)


@parity("MultiplicativeAttention", theirs=torch_multiplicative, note=EQUATION)
def multiplicative_attention(draw: Draw) -> Trial:
    method = draw.choice(("dot", "general", "concat"))
    other = None if method == "dot" else draw.choice((None, 1, 2))
    options = {"query_dim": draw.integer(1, 3), "key_dim": other, "method": method}
    return pairing(draw, options)


# Transformers


def built(library: Any, name: str, activation: str, **options: Any) -> Any:
    """A layer of either library; "silu" is for an activation that is a function."""
    function = library.nn.functional.silu if activation == "silu" else activation
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # PyTorch's, of speed
        return getattr(library.nn, name)(activation=function, **options)


def both(name: str) -> tuple[Any, Any]:
    """How each library builds it."""
    return (
        lambda **options: built(groundup, name, **options),
        lambda **options: built(torch, name, **options),
    )


def layer_options(draw: Draw) -> tuple[dict[str, Any], bool]:
    """Options that all have, and whether the layer is trained."""
    H = draw.integer(1, 2)
    p, training = dropped(draw)
    activation = draw.choice(("relu", "gelu", "silu"))
    options = {
        "d_model": 2 * H,
        "nhead": H,
        "dim_feedforward": draw.integer(1, 3),
        "dropout": p,
        "activation": activation,
        # Of a vector whose numbers are all alike a norm makes 1/√eps times its rounding errors, and
        # the next norm as many times these; layer norm alone is tried with 1e-5.
        "layer_norm_eps": draw.choice((0.1, 1.0)),
        "batch_first": draw.boolean(),
        "norm_first": draw.boolean(),
        # Without, equal weights make 0 of what is normal, to rounding: which side of relu's kink?
        "bias": activation == "relu" or draw.boolean(),
    }
    return options, training


class Sequences:
    """Two sequences as inputs of a layer, and masks that fit them."""

    def __init__(self, draw: Draw, options: dict[str, Any]) -> None:
        self.draw, self.heads = draw, options["nhead"]
        self.single = draw.integer(1, 4) == 1
        self.batch = 1 if self.single else draw.integer(1, 2)
        self.source, self.target = draw.sides(2, 1, 2)
        self.options = options

    def input(self, length: int) -> np.ndarray:
        x = self.draw.array((self.batch, length, self.options["d_model"]), distinct=True)
        return x[0] if self.single else batched(x, self.options["batch_first"])

    def masks(self, name: str, T: int, S: int, padding: str, hint: str) -> dict[str, Any]:
        """A mask for pairs and one for padding; or one that is causal, and says so."""
        seen = self.draw.integer(0, S - 1)
        shape = self.draw.choice(((T, S), (self.batch * self.heads, T, S)))
        if self.draw.integer(1, 3) == 1:
            return {name: np.tri(T, S) == 0, hint: True}
        return {
            name: mask(self.draw, shape, seen),
            padding: mask(self.draw, (S,) if self.single else (self.batch, S), seen),
        }

    def masks_of_source(self, name: str = "src_mask", hint: str = "src_is_causal") -> Any:
        return self.masks(name, self.source, self.source, "src_key_padding_mask", hint)

    def masks_of_target(self) -> Any:
        of_target = self.target, self.target, "tgt_key_padding_mask", "tgt_is_causal"
        of_memory = self.target, self.source, "memory_key_padding_mask", "memory_is_causal"
        return self.masks("tgt_mask", *of_target) | self.masks("memory_mask", *of_memory)


MASKED = "Alone and in batches, with masks of booleans and floats. Dropout as of Dropout"


@parity("TransformerEncoderLayer", *both("TransformerEncoderLayer"), MASKED)
def encoder_layer(draw: Draw) -> Trial:
    options, training = layer_options(draw)
    some = Sequences(draw, options)
    x, masks = some.input(some.source), some.masks_of_source(hint="is_causal")
    return Trial(options, (x,), training, masks)


@parity("TransformerDecoderLayer", *both("TransformerDecoderLayer"), MASKED)
def decoder_layer(draw: Draw) -> Trial:
    options, training = layer_options(draw)
    some = Sequences(draw, options)
    inputs = some.input(some.target), some.input(some.source)
    return Trial(options, inputs, training, some.masks_of_target())


def stack(library: Any, name: str, num_layers: int, norm: bool, **options: Any) -> Any:
    last = library.nn.LayerNorm(options["d_model"], options["layer_norm_eps"]) if norm else None
    layer = built(library, f"{name}Layer", **options)
    speed = {"enable_nested_tensor": False} if (library, name) == (torch, ENCODER) else {}
    return getattr(library.nn, name)(layer, num_layers, last, **speed)


ENCODER, DECODER = "TransformerEncoder", "TransformerDecoder"


def stacked(name: str) -> tuple[Any, Any]:
    return (
        lambda **options: stack(groundup, name, **options),
        lambda **options: stack(torch, name, **options),
    )


@parity(ENCODER, *stacked(ENCODER), MASKED)
def encoder(draw: Draw) -> Trial:
    options, training = layer_options(draw)
    some = Sequences(draw, options)
    options |= {"num_layers": draw.integer(1, 2), "norm": draw.boolean()}
    x, masks = some.input(some.source), some.masks_of_source("mask", "is_causal")
    return Trial(options, (x,), training, masks)


@parity(DECODER, *stacked(DECODER), MASKED)
def decoder(draw: Draw) -> Trial:
    options, training = layer_options(draw)
    some = Sequences(draw, options)
    options |= {"num_layers": draw.integer(1, 2), "norm": draw.boolean()}
    inputs = some.input(some.target), some.input(some.source)
    return Trial(options, inputs, training, some.masks_of_target())


@parity("Transformer", *both("Transformer"), MASKED)
def transformer(draw: Draw) -> Trial:
    options, training = layer_options(draw)
    some = Sequences(draw, options)
    options |= {"num_encoder_layers": draw.integer(1, 2), "num_decoder_layers": draw.integer(1, 2)}
    inputs = some.input(some.source), some.input(some.target)
    masks = some.masks_of_source() | some.masks_of_target()
    return Trial(options, inputs, training, masks)


# Positions


def vectors(draw: Draw, width: int) -> tuple[np.ndarray, int]:
    """(…, T, width), and an offset."""
    front = draw.choice(((), (2,), (1, 2)))
    return draw.array((*front, draw.integer(1, 3), width)), draw.integer(0, 3)


def torch_learned(num_embeddings: int, embedding_dim: int) -> Any:
    class Learned(torch.nn.Embedding):
        def forward(self, x: Any, offset: int) -> Any:
            return x + super().forward(offset + torch.arange(x.shape[-2]))

    return Learned(num_embeddings, embedding_dim)


@parity("LearnedPositionalEmbedding", theirs=torch_learned, note="Against an Embedding of numbers")
def learned(draw: Draw) -> Trial:
    width = draw.integer(1, 3)
    return Trial({"num_embeddings": 6, "embedding_dim": width}, vectors(draw, width))


def torch_sinusoidal(embedding_dim: int, base: float) -> Any:
    def clock(place: int, j: int) -> float:
        angle = place / base ** ((j - j % 2) / embedding_dim)
        return math.cos(angle) if j % 2 else math.sin(angle)

    def add(x: Any, offset: int) -> Any:
        places = range(offset, offset + x.shape[-2])
        table = [[clock(place, j) for j in range(embedding_dim)] for place in places]
        return x + torch.tensor(table, dtype=x.dtype)

    return torch_functional(add)


@parity("SinusoidalPositionalEmbedding", theirs=torch_sinusoidal, note="Against the formula")
def sinusoidal(draw: Draw) -> Trial:
    width = draw.integer(1, 5)
    options = {"embedding_dim": width, "base": draw.choice((10000.0, 10.0))}
    return Trial(options, vectors(draw, width))


def torch_rotary(dim: int, base: float, interleaved: bool) -> Any:
    """Each vector by the matrix of its rotations, R of equation 15."""

    def rotation(place: int) -> Any:
        R = torch.zeros(dim, dim, dtype=torch.float64)
        for i in range(dim // 2):
            a, b = (2 * i, 2 * i + 1) if interleaved else (i, i + dim // 2)
            angle = place * base ** (-2 * i / dim)
            R[a, a] = R[b, b] = math.cos(angle)
            R[a, b], R[b, a] = -math.sin(angle), math.sin(angle)
        return R

    def turn(x: Any, offset: int) -> Any:
        rows = [x[..., t, :] @ rotation(offset + t).T for t in range(x.shape[-2])]
        return torch.stack(rows, -2)

    return torch_functional(turn)


@parity("RotaryEmbedding", theirs=torch_rotary, note="Against products with matrices of rotation")
def rotary(draw: Draw) -> Trial:
    width = draw.choice((2, 4, 6))
    options = {
        "dim": width,
        "base": draw.choice((10000.0, 10.0)),
        "interleaved": draw.boolean(),
    }
    return Trial(options, vectors(draw, width))


class WithALiBi(nn.Module):
    """Attention that forgets with distance; `offset` queries came before."""

    def __init__(self, num_heads: int) -> None:
        self.alibi = nn.ALiBi(num_heads)

    def forward(self, query: Any, key: Any, value: Any, offset: int) -> Any:
        bias = self.alibi(np.shape(query)[-2], np.shape(key)[-2], offset)  # (H, T, S)
        return F.scaled_dot_product_attention(query, key, value, bias)


def torch_alibi(num_heads: int) -> Any:
    def slopes(n: int) -> list[float]:
        """By the authors' recursion (github.com/ofirpress/attention_with_linear_biases)."""
        if math.log2(n).is_integer():
            return [2 ** (-(2 ** -(math.log2(n) - 3)) * (i + 1)) for i in range(n)]
        below = 2 ** math.floor(math.log2(n))
        return slopes(below) + slopes(2 * below)[0::2][: n - below]

    def attend(query: Any, key: Any, value: Any, offset: int) -> Any:
        back = offset + torch.arange(query.shape[-2])[:, None] - torch.arange(key.shape[-2])
        rates = torch.tensor(slopes(num_heads), dtype=query.dtype)[:, None, None]
        scores = query @ key.mT / math.sqrt(query.shape[-1]) - rates * abs(back)
        return torch.softmax(scores, -1) @ value

    return torch_functional(attend)


@parity("ALiBi", WithALiBi, torch_alibi, note="In attention, against the authors' slopes")
def alibi(draw: Draw) -> Trial:
    heads, (B, T, S, d) = draw.integer(1, 6), (draw.integer(1, 3) for _ in "BTSd")
    query, key, value = (draw.array((B, heads, length, d)) for length in (T, S, S))
    return Trial({"num_heads": heads}, (query, key, value, draw.integer(0, 3)))
