"""What the lessons say of the numbers that they print, held against the numbers that they print."""

import math
import re

SIZES = ("small", "fitting", "large")  # of a start, in lesson 17
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def row(out: str, name: str, which: int = 0) -> list[float]:
    """The numbers that follow a name, on the line that begins with it; the first such line."""
    lines = [line.strip() for line in out.splitlines() if line.strip().startswith(name)]
    return [float(number) for number in NUMBER.findall(lines[which].removeprefix(name))]


def activations(out: str) -> None:
    names = ("sigmoid", "tanh", "relu", "leaky relu", "elu", "gelu", "silu")
    left = {name: row(out, f"{name} ", 1) for name in names}  # signal, of inputs, gradient
    assert left["sigmoid"][0] >= 0.2
    assert max(left["sigmoid"][1:]) < 1e-9
    for name in ("tanh", "elu"):
        assert all(0.03 < share < 0.1 for share in left[name])
    for name in ("relu", "leaky relu"):
        assert 2**-12 < left[name][0] < 2**-8
        assert 2**-12 < left[name][2] < 2**-8
    assert max(left["gelu"] + left["silu"]) < 1e-4

    share, before, after = zip(*(row(out, f"{name} ", 2) for name in names[2:6]), strict=True)
    assert before == (50, 50, 50, 50)
    assert (share[0], after[0]) == (0, 50)  # relu
    assert 0 < share[1] < 3  # leaky relu: some hundredths
    assert 25 < after[1] < 50
    assert max(after[2:]) < after[1] - 5  # elu, gelu
    assert "50 % of its 64 units were 0 for every input" in out

    (mean,) = row(out, "always saying the mean costs")
    for name in ("tanh   ", "sigmoid"):
        (_, loss, unseen), (_, by_heart, worse) = (row(out, f"{name}, inputs", i) for i in (0, 1))
        assert max(loss, by_heart) < 0.1
        assert unseen < mean < worse
    assert out.count("(saturated)") == 2

    for seed in range(3):
        (*_, bends), (*_, gated) = (row(out, f"seed {seed}: {name}") for name in ("relu", "SwiGLU"))
        assert gated < bends / 5


def initialisation(out: str) -> None:
    kept = {"std 0.01": 0.0064, "std 0.3": 5.76, "nn.Linear's": 1 / 3, "Xavier": 1, "Kaiming": 2}
    kept |= {"orthogonal": 1, "orthogonal · √2": 2}
    for start, factor in kept.items():
        for which, bend in enumerate((1, 2)):  # nothing, relu
            signal1, signal10, signal30, back10, back30 = row(out, f"{start:15}", which)
            for depth, measured in ((1, signal1), (10, signal10), (10, back10), (30, signal30)):
                assert abs(math.log10(measured) - depth * math.log10(factor / bend)) < 1.5
            assert abs(math.log10(back30 / signal30)) < 1  # both ways alike
        signal, _, signal30, _, gradient = row(out, f"{start:15}", 2)  # tanh
        assert signal < 1
        if factor > 1:
            assert signal30 > 0.1
            assert gradient > 3
        else:
            assert signal30 < 0.1
            assert gradient < 0.1
    assert row(out, f"{'std 0.3':15}", 2)[-1] > 1e4

    for width in ("1/n", "2/n"):
        whole, half = row(out, f"σ² = {width}: E[z²] =")[0], row(out, f"σ² = {width}")[-1]
        assert abs(whole / 2 - half) < 0.03
    assert row(out, "Xavier    : most")[0] > 3
    assert row(out, "Xavier    : most")[1] < 1e-3
    assert row(out, "orthogonal: most") == [1, 1, 100]
    assert row(out, "constant:")[0] == 1
    assert row(out, "Xavier  :")[0] == 16

    (mean,) = row(out, "always saying the mean costs")
    for start in ("std 0.01", "nn.Linear's", "Xavier", "orthogonal"):
        assert all(abs(loss - mean) < 0.01 * mean for loss in row(out, f"{start:15}", 3)[2:])
    for start in ("Kaiming", "orthogonal · √2"):
        assert row(out, f"{start:15}", 3)[-1] < 0.7 * mean
    assert "std 0.3         explodes" in out
    assert "in order: [False, False]" in out
    assert "after reseed:   [True, True]" in out


def rnn(out: str) -> None:
    def back(name: str) -> dict[float, float]:
        """The gradient, so many steps back."""
        numbers = row(out, name)
        return dict(zip(numbers[0::2], numbers[1::2], strict=True))

    for name in ("gain 0.5   ", "gain 0.9   ", "gain 1.1   ", "PyTorch's start", "relu, gain 1.0"):
        lengths = [*back(name).values()]
        assert lengths == sorted(lengths, reverse=True)
    assert back("PyTorch's start")[39] < 1e-8
    assert back("relu, gain 2.0")[39] > 1e3
    for gain in (0.5, 0.9, 1.1):
        measured, predicted = row(out, f"gain {gain}: measured ×")
        assert abs(measured / predicted - 1) < 0.1
    assert row(out, "5 steps: an RNN is right in")[0] == 100
    assert row(out, "10 steps: an RNN is right in")[0] == 100
    assert row(out, "50 steps: an RNN is right in")[0] < 62
    assert row(out, "50 steps: that LSTM is right in")[0] > 85
    gated, along = back("LSTM, f near 1"), back("and W_hh = 0")
    assert 0.8 < along[39] / along[5] < 1.1
    assert gated[5] < gated[20] < gated[39]
    assert back("LSTM   ")[39] < 1e-5


def lstm(out: str) -> None:
    assert row(out, "right in")[0] == 100
    table = [line.split() for line in out.splitlines() if re.match(r" +[+-]1 ", line)]
    assert len(table) == 10
    cells = [0.0, *(float(numbers[-1]) for numbers in table)]
    for before, (_, mark, *_, cell), (_, _, _, f, *_) in zip(cells, table, table, strict=False):
        if mark == "*":
            assert float(f) < 0.25
        else:
            assert abs(float(cell) - before) < 0.15
    at_marks, between = row(out, "f is")
    assert at_marks < 0.2
    assert between > 0.7

    told = [row(out, f"told {bit:+d}, then", which)[1] for bit in (1, -1) for which in range(4)]
    soon, later = row(out, "the shortest:")
    assert sorted((min(told[:2] + told[4:6]), min(told[2:4] + told[6:]))) == [soon, later]
    assert 11 < soon < 60
    assert later > max(60, 4 * soon)
    assert float(re.findall(r"once in (\S+) steps", out)[0]) > 5 * 12_000
    losses = []
    for name in ("before f =", "now    f ="):
        kept, _, c, then = row(out, name)
        losses.append((1 - kept, abs(c) - abs(then)))
    for lost, less in zip(*losses, strict=True):
        assert 0 < 3 * less < lost


def attention(out: str) -> None:
    assert row(out, "dictionary:") == [41, 41]
    sharpest = [max(row(out, f"scores × {by:4}: weights")[:3]) for by in (0.0, 1.0, 3.0, 10.0)]
    assert sharpest == sorted(sharpest)
    assert sharpest[-1] == 1
    assert row(out, "scores × 10.0")[-1] == 41
    *_, raw, scaled = zip(*(row(out, f"d = {d:4}:") for d in (4, 64, 1024)), strict=True)
    assert raw[0] < 0.6
    assert raw[-1] > 0.9
    assert max(scaled) - min(scaled) < 0.03
    assert out.count("[False, False, False, False, True]") == 1
    assert row(out, "1 head: loss")[1] < 90
    assert row(out, "2 heads: loss") == [0, 100]
    near, far = sorted(row(out, f"head {head}:")[0] for head in (0, 1))
    assert abs(near - 1) < 0.1
    assert abs(far - 2) < 0.1


def positions(out: str) -> None:
    one, other = (re.findall(r"dog becomes (.*)", out)[i] for i in (0, 1))
    assert one == other
    scores = set(re.findall(r"key at .*: score (\S+)", out))
    assert len(scores) == 1
    steep, flat = row(out, "slope 1/4  :"), row(out, "slope 1/256:")
    assert steep[0] > 50
    assert steep[1] < 10
    assert abs(flat[0] - flat[1]) <= 1

    known, new = row(out, "no order   ")
    none, learned, clocks, rotary, alibi = (
        row(out, f"{kind:14}") for kind in ("none", "learned", "clocks", "rotary", "ALiBi")
    )
    assert none[0] < known + 6
    assert none[1] < new + 6
    assert min(learned[0], clocks[0], rotary[0], alibi[0]) > 93
    assert "no such place" in out
    assert clocks[1] < new + 5
    assert new + 5 < rotary[1] < alibi[1] - 5
    assert alibi[1] > 88


def residuals(out: str) -> None:
    kinds, starts = ("plain", "norm", "path", "norm after", "norm before"), (1 / 6, 1, 4)
    arrived = {kind: [row(out, f"{kind:12} {start} ") for start in SIZES] for kind in kinds}
    for factor, plain, norm, path, after, before in zip(starts, *arrived.values(), strict=True):
        for numbers, each in ((plain, factor), (path, 1 + factor)):
            for number in (numbers[0], numbers[2]):
                assert abs(math.log10(number) - 30 * math.log10(each)) < 3
        assert factor / 3 < norm[0] < 3 * factor
        assert after[0] == 1
        assert 1 < before[0] < 30 * factor + 5
        assert norm[1] < 20
        assert before[1] > max(norm[1], after[1])
        for _, _, gradient in (norm, after, before):
            assert 1e-3 < gradient < 1e3
    assert len({numbers[1] for numbers in arrived["norm"]}) == 1

    plain, norm, path, after, before = (row(out, f"{kind:12} ", 3) for kind in kinds)
    assert plain[0] > 0.98
    assert plain[1] < 0.3
    assert norm[0] > 0.8
    assert norm[2] < 0.6
    assert path[0] < 0.4
    assert (len(plain), len(path), out.count("explodes")) == (2, 1, 3)
    assert (len(after), len(before)) == (3, 3)
    assert max(after + before) < 0.8

    ways = ("norm after", "norm before", "norm before, scaled")
    (gone, lost), (_, kept), (twice, most) = (row(out, f"{way:20} signal") for way in ways)
    assert gone == 1
    assert abs(lost) < 0.05 < 0.1 < kept < most
    assert 1.5 < twice < 2.5


CLAIMS = {
    "11_activations": activations,
    "12_initialisation": initialisation,
    "13_rnn_forgets": rnn,
    "14_lstm_gates": lstm,
    "15_attention": attention,
    "16_positions": positions,
    "17_residuals_and_norms": residuals,
}
