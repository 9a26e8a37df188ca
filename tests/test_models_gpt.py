"""GPT: what it may see, its start, its errors; on scalars, and beside PyTorch's."""

import math
from typing import Any

import numpy as np
import pytest

from groundup import models, nn
from groundup.engine import Tensor, no_grad

TINY = models.GPTConfig(vocab_size=5, block_size=4, n_layer=2, n_head=2, n_embd=4)


@pytest.fixture
def model():
    nn.manual_seed(1)
    return models.GPT(TINY)


def livelier(model):
    """Weights that are far from a start, where a mistake would hardly show."""
    rng = np.random.default_rng(2)
    state = {}
    for name, p in model.named_parameters():
        state[name] = 0.5 * rng.standard_normal(p.shape)
    state["lm_head.weight"] = state["wte.weight"]
    model.to(np.float64).load_state_dict(state)
    return model


def batch(time=4):
    rng = np.random.default_rng(3)
    ids = rng.integers(0, TINY.vocab_size, (2, time + 1))
    return ids[:, :-1].copy(), ids[:, 1:].copy()


def test_logits_and_loss(model):
    ids, targets = batch()
    logits, loss = model(ids, targets)
    assert logits.shape == (2, 4, 5)
    assert logits.dtype == np.float32
    log_probs = logits.data - np.log(np.exp(logits.data).sum(-1, keepdims=True))
    expected = -np.take_along_axis(log_probs, targets[..., None], -1).mean()
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert loss.item() == pytest.approx(math.log(5), abs=0.05)  # it knows nothing yet
    alone, nothing = model(Tensor(ids))
    np.testing.assert_array_equal(alone.data, logits.data)
    assert nothing is None


def test_a_position_sees_itself_and_the_past(model):
    livelier(model)
    ids, _ = batch()
    before = model(ids)[0].data
    for t in range(4):
        changed = ids.copy()
        changed[:, t] = (changed[:, t] + 1) % 5
        moved = (model(changed)[0].data != before).any(axis=(0, 2))
        assert moved.tolist() == [s >= t for s in range(4)]


def test_every_parameter_learns(model):
    livelier(model)
    model(*batch())[1].backward()
    for name, p in model.named_parameters():
        assert p.grad.any(), name
        assert p.name == name
    np.testing.assert_array_equal(model.wte.weight.data, model.lm_head.weight.data)
    assert model.lm_head.weight is model.wte.weight


def test_it_starts_as_gpt2_does():
    nn.manual_seed(0)
    model = models.GPT(
        models.GPTConfig(vocab_size=50, block_size=64, n_layer=8, n_head=4, n_embd=64)
    )
    for name, p in model.named_parameters():
        if p.ndim == 1:
            assert (p.data == (1 if "ln_" in name and "weight" in name else 0)).all(), name
        else:
            std = 0.02 / math.sqrt(16) if name.endswith("c_proj.weight") else 0.02
            assert p.data.std() == pytest.approx(std, rel=0.05), name


def test_without_bias_there_is_none():
    model = models.GPT(models.GPTConfig(5, 4, 1, 2, 4, bias=False))
    assert not [name for name in model.state_dict() if "bias" in name]
    assert model(*batch())[1].item() > 0


def test_dropout_acts_in_training_alone():
    model = models.GPT(models.GPTConfig(5, 4, 1, 2, 4, dropout=0.5))
    ids, _ = batch()
    with no_grad():
        noisy = [model(ids)[0].data for _ in range(2)]
        model.eval()
        quiet = [model(ids)[0].data for _ in range(2)]
    assert not np.array_equal(*noisy)
    np.testing.assert_array_equal(*quiet)


@pytest.mark.parametrize("place", ["drop", "attn", "attn.resid_dropout", "mlp.dropout"])
def test_noise_falls_in_four_places(place, model):
    ids = batch()[0]
    livelier(model)
    noisy = dict(model.named_modules())[place if place == "drop" else f"blocks.0.{place}"]
    setattr(noisy, "dropout" if place == "attn" else "p", 0.5)
    assert not np.array_equal(model(ids)[0].data, model(ids)[0].data)
    model.eval()
    np.testing.assert_array_equal(model(ids)[0].data, model(ids)[0].data)


def test_no_grad_records_nothing(model):
    with no_grad():
        logits, loss = model(*batch())
    assert logits.op is loss.op is None


def test_errors_are_one_sentence(model):
    with pytest.raises(ValueError, match=r"block_size \(4\), not of shape \(1, 5\)"):
        model(np.zeros((1, 5), int))
    with pytest.raises(ValueError, match=r"ids are \(batch, time\)"):
        model(np.zeros(3, int))
    with pytest.raises(ValueError, match="time from 1"):
        model(np.zeros((1, 0), int))
    for wrong in (-1, 5):
        with pytest.raises(IndexError, match=f"{wrong} is out of range"):
            model(np.array([[0, wrong]]))
    with pytest.raises(TypeError, match="integers"):
        model(np.zeros((1, 2)))
    with pytest.raises(ValueError, match=r"n_embd \(6\) must be a multiple of n_head \(4\)"):
        models.GPTConfig(5, n_embd=6, n_head=4)
    with pytest.raises(ValueError, match="n_layer is a whole number from 1 up, not 0"):
        models.GPTConfig(5, n_layer=0)


def test_it_learns_by_heart(model):
    nn.manual_seed(0)
    model = models.GPT(models.GPTConfig(vocab_size=5, block_size=4, n_layer=1, n_head=2, n_embd=16))
    opt = nn.AdamW(model.parameters(), lr=0.02)
    ids = np.array([[0, 1, 2, 3, 4]])
    for _ in range(60):
        opt.zero_grad()
        _, loss = model(ids[:, :-1], ids[:, 1:])
        loss.backward()
        nn.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
    assert loss.item() < 0.05


def test_on_scalars_it_is_the_same(model):
    livelier(model)
    ids, targets = batch(time=3)
    targets[0, 0] = -100
    scalar = model.to_scalars()
    assert scalar.lm_head.weight is scalar.wte.weight
    logits, loss = model(ids, targets)
    scalar_logits, scalar_loss = scalar(Tensor(ids), Tensor(targets))
    loss.backward()
    scalar_loss.backward()
    assert scalar_loss.data == pytest.approx(loss.item(), abs=1e-9)
    found = np.array([v.data for v in scalar_logits.flat])
    np.testing.assert_allclose(found, logits.data.ravel(), atol=1e-9)
    values = dict(scalar.named_parameters())
    for name, p in model.named_parameters():
        for index in np.ndindex(p.shape):
            value = values[f"{name}[{', '.join(map(str, index))}]"]
            assert value.grad == pytest.approx(p.grad[index], abs=1e-9), value.name


def test_on_scalars_the_same_noise_falls():
    nn.manual_seed(0)
    model = models.GPT(models.GPTConfig(5, 4, 1, 2, 4, dropout=0.3)).to(np.float64)
    losses = []
    for net in (model, model.to_scalars()):
        nn.manual_seed(1)
        losses.append(net(*batch())[1].item())
    assert losses[0] == pytest.approx(losses[1], abs=1e-9)


# nanoGPT's module in PyTorch, with the same names


def twin(torch, config):
    Module: Any = torch.nn.Module

    class Attention(Module):
        def __init__(self):
            super().__init__()
            self.c_attn = torch.nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
            self.c_proj = torch.nn.Linear(config.n_embd, config.n_embd, bias=config.bias)

        def forward(self, x):
            b, t, c = x.size()
            q, k, v = (
                part.view(b, t, config.n_head, c // config.n_head).transpose(1, 2)
                for part in self.c_attn(x).split(c, dim=2)
            )
            scores = q @ k.transpose(-2, -1) / math.sqrt(k.size(-1))
            hidden = torch.triu(torch.ones(t, t, dtype=torch.bool), diagonal=1)
            y = torch.softmax(scores.masked_fill(hidden, -math.inf), dim=-1) @ v
            return self.c_proj(y.transpose(1, 2).contiguous().view(b, t, c))

    class Inner(Module):
        def __init__(self):
            super().__init__()
            self.c_fc = torch.nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
            self.c_proj = torch.nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)

        def forward(self, x):
            return self.c_proj(torch.nn.functional.gelu(self.c_fc(x), approximate="tanh"))

    class Block(Module):
        def __init__(self):
            super().__init__()
            self.ln_1 = torch.nn.LayerNorm(config.n_embd, bias=config.bias)
            self.attn = Attention()
            self.ln_2 = torch.nn.LayerNorm(config.n_embd, bias=config.bias)
            self.mlp = Inner()

        def forward(self, x):
            x = x + self.attn(self.ln_1(x))
            return x + self.mlp(self.ln_2(x))

    class GPT(Module):
        def __init__(self):
            super().__init__()
            self.wte = torch.nn.Embedding(config.vocab_size, config.n_embd)
            self.wpe = torch.nn.Embedding(config.block_size, config.n_embd)
            self.blocks = torch.nn.ModuleList([Block() for _ in range(config.n_layer)])
            self.ln_f = torch.nn.LayerNorm(config.n_embd, bias=config.bias)
            self.lm_head = torch.nn.Linear(config.n_embd, config.vocab_size, bias=False)
            self.lm_head.weight = self.wte.weight

        def forward(self, ids, targets):
            x = self.wte(ids) + self.wpe(torch.arange(ids.size(1)))
            for block in self.blocks:
                x = block(x)
            logits = self.lm_head(self.ln_f(x))
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
            return logits, loss

    return GPT().double()


@pytest.mark.parametrize("bias", [True, False])
def test_weights_exchange_with_pytorch(bias):
    torch = pytest.importorskip("torch")
    config = models.GPTConfig(vocab_size=7, block_size=8, n_layer=2, n_head=2, n_embd=8, bias=bias)
    model = livelier(models.GPT(config))
    oracle = twin(torch, config)
    state = {name: torch.tensor(array) for name, array in model.state_dict().items()}
    oracle.load_state_dict(state)  # strict: not one name or shape may differ

    ids = np.random.default_rng(0).integers(0, 7, (3, 9))
    logits, loss = model(ids[:, :-1], ids[:, 1:])
    their_logits, their_loss = oracle(torch.tensor(ids[:, :-1]), torch.tensor(ids[:, 1:]))
    np.testing.assert_allclose(logits.data, their_logits.detach().numpy(), atol=1e-9)
    assert loss.item() == pytest.approx(their_loss.item(), abs=1e-9)

    loss.backward()
    their_loss.backward()
    ours = dict(model.named_parameters())
    assert ours.keys() == dict(oracle.named_parameters()).keys()
    for name, parameter in oracle.named_parameters():
        np.testing.assert_allclose(ours[name].grad, parameter.grad.numpy(), atol=1e-9)

    back = models.GPT(config).to(np.float64)
    back.load_state_dict(oracle.state_dict())
    np.testing.assert_array_equal(back(ids[:, :-1])[0].data, logits.data)
