"""Evaluation and generation."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from groundup import models, nn, train
from groundup.engine import Tensor
from groundup.engine.modes import modes


def small_gpt(dropout=0.0, vocab_size=7):
    nn.manual_seed(0)
    sizes: dict[str, Any] = {"block_size": 8, "n_layer": 1, "n_head": 2, "n_embd": 8}
    return models.GPT(models.GPTConfig(vocab_size=vocab_size, dropout=dropout, **sizes))


IDS = np.random.default_rng(0).integers(7, size=200)


def test_the_bigram_loss_is_that_of_counting():
    first, rest = IDS[:150], IDS[150:]
    counts = np.ones((7, 7))
    for a, b in pairwise(first):
        counts[a, b] += 1
    losses = [-math.log(counts[a, b] / counts[a].sum()) for a, b in pairwise(rest)]
    assert train.bigram_loss(first, rest, 7) == pytest.approx(np.mean(losses), abs=1e-12)


def test_the_bigram_loss_and_the_validation_loss_are_about_the_same_characters():
    first, rest = IDS[:150], IDS[150:]
    model = models.Bigram(7).fit(first)
    for block_size in (1, 7, 8, 48, 49):  # 49 targets: with and without a shorter last window
        loss = train.validation_loss(model, rest, block_size, batch_size=3)
        assert loss == pytest.approx(train.bigram_loss(first, rest, 7), abs=1e-5)


def test_the_validation_loss_is_the_same_in_batches_of_any_size():
    model = small_gpt()
    losses = [train.validation_loss(model, IDS, 8, batch_size=size) for size in (1, 5, 100)]
    assert losses == pytest.approx([losses[0]] * 3, abs=1e-6)


def test_a_few_windows_are_spread_over_the_text():
    seen = []

    class Model(nn.Module):
        def forward(self, ids, targets):
            seen.extend(ids[:, 0].tolist())
            return None, Tensor(0.0)

    train.validation_loss(Model(), np.arange(101), 10, windows=3)
    assert seen == [0, 40, 90]


def test_evaluation_is_without_dropout_and_leaves_every_mode_as_it_was():
    model = small_gpt(dropout=0.5).train()
    model.blocks[0].ln_1.eval()
    before = [module.training for module in model.modules()]
    loss = train.validation_loss(model, IDS, 8)
    assert loss == train.validation_loss(model, IDS, 8)
    assert loss == train.validation_loss(model.eval(), IDS, 8)
    assert before.count(False) == 1

    model.train().blocks[0].ln_1.eval()
    with train.inference(model):
        assert not any(module.training for module in model.modules())
        assert not modes.recording
    assert [module.training for module in model.modules()] == before
    assert modes.recording
    with pytest.raises(ZeroDivisionError), train.inference(model):
        1 / 0  # noqa: B018
    assert [module.training for module in model.modules()] == before
    assert modes.recording


def test_a_short_validation_text_is_an_error():
    with pytest.raises(train.InputError, match=r"validation part has 8 .* at least 9"):
        train.validation_loss(small_gpt(), IDS[:8], 8)


def test_a_validation_of_no_windows_is_an_error():
    with pytest.raises(train.InputError, match="windows is at least 1, not 0"):
        train.validation_loss(small_gpt(), IDS, 8, windows=0)


def test_generation_follows_from_its_seed():
    model = small_gpt()
    one, same, other = (list(train.generate(model, [1], 30, seed=seed)) for seed in (0, 0, 1))
    assert one == same != other
    assert len(one) == 30


def test_temperature_0_is_greedy_and_the_context_is_cropped():
    model = small_gpt()
    ids = IDS[:6].tolist()
    for drawn in train.generate(model, list(ids), 20, temperature=0):
        logits, _ = model(np.array([ids[-8:]]))
        assert drawn == logits.data[0, -1].argmax()
        ids.append(drawn)
    assert ids[6:] == list(train.generate(model, ids[:6], 20, top_k=1, seed=3))


def test_generation_draws_what_the_model_says():
    model = models.Bigram(3)
    rows = np.log([[0.2, 0.5, 0.3]] * 3)
    model.load_state_dict({"table.weight": rows})
    drawn = np.array(list(train.generate(model, [0], 4000, seed=0)))
    assert np.bincount(drawn) / 4000 == pytest.approx([0.2, 0.5, 0.3], abs=0.03)
    drawn = np.array(list(train.generate(model, [0], 4000, top_k=2, seed=0)))
    assert np.bincount(drawn) / 4000 == pytest.approx([0, 0.625, 0.375], abs=0.03)
    drawn = np.array(list(train.generate(model, [0], 4000, temperature=0.5, seed=0)))
    assert np.bincount(drawn) / 4000 == pytest.approx(np.array([4, 25, 9]) / 38, abs=0.03)
    assert set(train.generate(model, [0], 50, temperature=1e-300, seed=0)) == {1}


def test_generation_leaves_no_mode_behind_between_two_ids():
    model = small_gpt(dropout=0.5).train()
    source = train.generate(model, [1], 3, temperature=0)
    next(source)
    assert modes.recording
    assert model.training
    assert model(IDS[None, :8], IDS[None, 1:9])[1].requires_grad


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ids": []}, "at least one id"),
        ({"ids": [[1]]}, r"one row of integers, .* of shape \(1, 1\)"),
        ({"ids": np.array(1)}, r"one row of integers, .* of shape \(\)"),
        ({"vocab_size": 0}, "vocab_size is at least 1, not 0"),
        ({"n": -1}, "cannot generate -1"),
        ({"temperature": -0.1}, "temperature .* not -0.1"),
        ({"temperature": math.nan}, "temperature .* not nan"),
        ({"temperature": math.inf}, "temperature .* not inf"),
        ({"top_k": 0}, "top_k is at least 1, not 0"),
    ],
)
def test_what_generation_cannot_do_is_said_at_the_call(wrong, message):
    with pytest.raises(train.InputError, match=message):
        train.generate(**{"model": small_gpt(), "ids": [1], "n": 1, **wrong})


@pytest.mark.parametrize("temperature", [0, 1.0])
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_logits_that_are_no_numbers_give_no_id(temperature, number):
    model = models.Bigram(3)
    model.table.weight.data = np.full((3, 3), number)
    with pytest.raises(FloatingPointError, match=f"highest of the model's logits is {number}"):
        next(train.generate(model, [0], 1, temperature))
