"""The MLP and the bigram."""

import numpy as np
import pytest

from groundup import models, nn, train


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_an_mlp_bends_between_its_layers_and_not_after(activation):
    model = models.MLP([2, 5, 4, 3], activation).to(np.float64)
    x = np.random.default_rng(0).standard_normal((7, 2))
    state, y = model.state_dict(), x
    for i in range(3):
        y = y @ state[f"layers.{i}.weight"].T + state[f"layers.{i}.bias"]
        if i < 2:
            y = np.maximum(y, 0) if activation == "relu" else np.tanh(y)
    np.testing.assert_allclose(model(x).data, y, atol=1e-12)


def test_an_mlp_on_scalars_trains_alike():
    nn.manual_seed(0)
    model = models.MLP([2, 4, 1], "tanh").to(np.float64)
    scalar = model.to_scalars()
    x = np.random.default_rng(0).standard_normal((6, 2))
    y = np.sign(x[:, :1] * x[:, 1:])
    losses: list[list[float]] = []
    for net in (model, scalar):
        opt = nn.AdamW(net.parameters(), lr=0.05)
        losses.append([])
        for _ in range(10):
            opt.zero_grad()
            loss = ((net(x) - y) ** 2).mean()
            loss.backward()
            nn.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            losses[-1].append(loss.item())
    np.testing.assert_allclose(losses[0], losses[1], atol=1e-9)
    assert losses[0][-1] < losses[0][0]


def test_an_mlp_that_makes_no_sense():
    with pytest.raises(ValueError, match="at least an input and an output"):
        models.MLP([2])
    with pytest.raises(ValueError, match="'sigmoid'"):
        models.MLP([2, 1], activation="sigmoid")


def test_the_bigram_that_counts_is_the_one_that_training_finds():
    ids = np.random.default_rng(0).integers(0, 4, 200)
    counted = models.Bigram(4).fit(ids)
    _, least = counted(ids[None, :-1], ids[None, 1:])
    trained = models.Bigram(4)
    opt = nn.AdamW(trained.parameters(), lr=0.1, weight_decay=0)
    for _ in range(300):
        opt.zero_grad()
        _, loss = trained(ids[None, :-1], ids[None, 1:])
        loss.backward()
        opt.step()
    assert loss.item() <= least.item()  # one more of each costs a little
    assert loss.item() == pytest.approx(least.item(), abs=0.02)


def test_the_counts_of_a_bigram():
    table = np.exp(models.Bigram(3).fit([0, 1, 1, 2]).table.weight.data)
    np.testing.assert_allclose(table, [[1 / 4, 2 / 4, 1 / 4], [1 / 5, 2 / 5, 2 / 5], [1 / 3] * 3])
    logits, loss = models.Bigram(3)(np.array([[0, 1]]))
    assert logits.shape == (1, 2, 3)
    assert loss is None
    for wrong in ([0, 3], [-1, 0]):
        with pytest.raises(IndexError, match="vocabulary of 3"):
            models.Bigram(3).fit(wrong)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.uint64, list])
def test_a_bigram_of_ids_of_any_width(dtype):
    most = 120 if dtype in (np.int8, np.uint8) else 300  # whose square is more than the bits hold
    ids = np.random.default_rng(0).integers(0, most, 500)
    narrow = ids.tolist() if dtype is list else ids.astype(dtype)
    tables = [models.Bigram(300).fit(x).table.weight.data for x in (ids, narrow)]
    np.testing.assert_array_equal(*tables)
    assert train.bigram_loss(narrow, narrow, 300) == train.bigram_loss(ids, ids, 300)
