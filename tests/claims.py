"""What the lessons say of the numbers that they print, held against the numbers that they print."""

import re

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


CLAIMS = {"11_activations": activations}
