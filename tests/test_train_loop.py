"""The training loop."""

import os
import pty
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from groundup import models, nn, train
from groundup.train.interrupt import held_interrupts
from groundup.train.loop import train_step

# A text with a rule that a bigram cannot see: what comes after 0 depends on what came before it.
IDS = np.array([1, 0, 2, 3, 0, 4] * 100)
FIRST, REST = IDS[:500], IDS[500:]
CONFIG = train.TrainConfig(
    steps=20, batch_size=4, lr=1e-2, warmup=4, eval_every=5, eval_windows=4, seed=3
)


def gpt(dropout=0.0):
    nn.manual_seed(0)
    sizes: dict[str, Any] = {"block_size": 6, "n_layer": 1, "n_head": 2, "n_embd": 16}
    return models.GPT(models.GPTConfig(vocab_size=5, dropout=dropout, **sizes))


def weights(model):
    return np.concatenate([array.ravel() for array in model.state_dict().values()])


def fit(model, config=CONFIG, **settings):
    return train.fit(model, FIRST, REST, config, **{"show": False, **settings})


def test_it_learns_what_a_bigram_cannot():
    history = fit(gpt(), replace(CONFIG, steps=120, eval_every=60))
    # Ln 2 once in three characters; what is left is the start of a window, where 0 is ambiguous.
    assert train.bigram_loss(FIRST, REST, 5) > 0.23
    assert history.val_losses[-1] < 0.15
    assert history.val_losses[0] > 1


def test_the_history_tells_what_happened():
    seen = []
    history = fit(gpt(), callback=lambda history: seen.append(history.step))
    assert seen == history.val_steps == [0, 5, 10, 15, 20]
    assert history.steps == list(range(1, 21))
    assert len(history.losses) == len(history.lrs) == len(history.times) == 20
    assert history.times == sorted(history.times)
    assert history.lrs[:5] == pytest.approx([0.002, 0.004, 0.006, 0.008, 0.01])
    assert history.lrs[4:] == sorted(history.lrs[4:], reverse=True)
    assert not history.interrupted
    assert train.History.from_json(history.to_json()) == history


def test_each_step_is_what_it_says():
    """Against the same step spelled out."""
    model, twin = gpt(), gpt()
    ids, targets = next(train.batches(FIRST, 6, 4, seed=3))
    optimizer = nn.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
    config = replace(CONFIG, lr=9.0, weight_decay=9.0, clip=0.01)  # the optimiser has its own
    for p in model.parameters():
        p.grad = np.ones(p.shape)  # of an earlier step: to be forgotten
    loss = train_step(model, optimizer, (ids, targets), config, step=0)

    own = nn.AdamW(twin.parameters(), lr=0.002, weight_decay=0.1)
    expected = twin(ids, targets)[1]
    expected.backward()
    norm = np.sqrt(sum((p.grad**2).sum() for p in twin.parameters()))
    assert norm > 0.01
    for p in twin.parameters():
        p.grad *= 0.01 / norm
    own.step()
    assert loss == pytest.approx(expected.item())
    assert weights(model) == pytest.approx(weights(twin), abs=1e-6)


def test_the_same_seed_trains_the_same_model():
    one, same, other = gpt(0.1), gpt(0.1), gpt(0.1)
    histories = [fit(one), fit(same), fit(other, replace(CONFIG, seed=4))]
    assert histories[0].losses == histories[1].losses != histories[2].losses
    assert np.array_equal(weights(one), weights(same))


def test_each_group_has_a_rate_of_its_own():
    def fitted(steps, optimizer, history=None):
        """The rates of both groups after each step."""
        seen = []
        step = optimizer.step

        def noted():
            seen.append([group["lr"] for group in optimizer.param_groups])
            step()

        optimizer.step = noted
        fit(model, replace(CONFIG, steps=steps), optimizer=optimizer, history=history)
        return np.array(seen)

    model = gpt()
    first, *others = model.parameters()
    optimizer = nn.SGD([{"params": first, "lr": 0.2}, {"params": others}], lr=0.1)
    history = train.History()
    rates = fitted(8, optimizer, history)
    assert rates[:5, 0] == pytest.approx([0.04, 0.08, 0.12, 0.16, 0.2])
    assert rates[:, 1] == pytest.approx(rates[:, 0] / 2)
    assert history.lrs == rates[:, 0].tolist()

    again = nn.SGD([{"params": first}, {"params": others}])
    again.load_state_dict(optimizer.state_dict())
    rates = fitted(20, again, history)
    assert len(rates) == 12
    assert rates[:, 1] == pytest.approx(rates[:, 0] / 2)
    assert rates[-1, 0] == pytest.approx(history.lrs[4] * 0.1, abs=2e-3)


def test_a_training_that_an_older_version_began_goes_on_with_the_config_s_rate():
    model = gpt()
    optimizer = nn.AdamW(model.parameters(), lr=CONFIG.lr)
    history = train.History()
    fit(model, optimizer=optimizer, history=history, stop_when=lambda h: h.step == 5)
    del optimizer.param_groups[0]["initial_lr"]
    fit(model, optimizer=optimizer, history=history)
    assert history.lrs == fit(gpt()).lrs


def test_another_optimiser_goes_on_with_a_rate_of_its_own():
    model, history = gpt(), train.History()
    fit(model, history=history, stop_when=lambda h: h.step == 5)
    optimizer = nn.SGD(model.parameters(), lr=7 * CONFIG.lr)
    fit(model, optimizer=optimizer, history=history)
    assert history.lrs[5:] == pytest.approx([7 * lr for lr in fit(gpt()).lrs[5:]])


def test_it_stops_when_told():
    history = fit(gpt(), stop_when=lambda history: history.step >= 10)
    assert history.step == 10
    assert fit(gpt(), stop_when=lambda history: True).step == 0
    assert not history.interrupted


def test_ctrl_c_ends_between_two_steps_and_going_on_changes_nothing():
    whole, broken = gpt(0.1), gpt(0.1)
    unbroken = fit(whole)

    optimizer = train.loop.new_optimizer(broken, CONFIG)
    step, forward = 0, broken.forward

    def forward_with_ctrl_c(ids, targets=None):
        nonlocal step
        if broken.training:
            step += 1
            if step == 8:
                signal.raise_signal(signal.SIGINT)  # in the middle of the step
        return forward(ids, targets)

    broken.forward = forward_with_ctrl_c
    handler = signal.getsignal(signal.SIGINT)
    history = fit(broken, optimizer=optimizer)
    assert history.interrupted
    assert history.step == len(history.losses) == 8
    assert signal.getsignal(signal.SIGINT) is handler

    assert fit(broken, optimizer=optimizer, history=history) is history
    assert not history.interrupted
    assert history.losses == unbroken.losses
    assert history.val_losses == unbroken.val_losses
    assert history.val_steps == unbroken.val_steps
    assert np.array_equal(weights(broken), weights(whole))


def test_a_keyboard_interrupt_from_the_callback_ends_it_too():
    def callback(history):
        if history.step == 5:
            raise KeyboardInterrupt

    history = fit(gpt(), callback=callback)
    assert history.interrupted
    assert history.step == 5


def test_a_second_ctrl_c_does_not_wait():
    with held_interrupts() as interrupted:
        signal.raise_signal(signal.SIGINT)
        assert interrupted()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_it_trains_in_another_thread():
    made = []
    thread = threading.Thread(target=lambda: made.append(fit(gpt())))
    thread.start()
    thread.join()
    assert made[0].step == 20


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_no_number_stops_before_the_step():
    model = gpt()
    with pytest.raises(FloatingPointError, match=r"became (nan|inf) at step \d+, with a learning"):
        fit(model, replace(CONFIG, lr=1e30, steps=50))
    broken = gpt()
    broken.ln_f.weight.data = np.full(16, np.nan)
    before = weights(broken)
    with pytest.raises(FloatingPointError, match=r"loss became nan at step 1, .* 0\.002: .* lower"):
        fit(broken)
    assert np.array_equal(weights(broken), before, equal_nan=True)


def test_a_gradient_that_is_no_number_stops_before_the_step(monkeypatch):
    model = gpt()
    before = weights(model)
    monkeypatch.setattr(nn, "clip_grad_norm_", lambda *_: float("inf"))
    with pytest.raises(FloatingPointError, match="gradient became inf"):
        fit(model)
    assert np.array_equal(weights(model), before)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"steps": 0}, "steps is a whole number from 1 up, not 0"),
        ({"steps": None}, "steps is a whole number from 1 up, not None"),
        ({"steps": 1.5}, r"steps is a whole number from 1 up, not 1\.5"),
        ({"batch_size": -1}, "batch_size is a whole number from 1 up"),
        ({"eval_every": 0}, "eval_every is a whole number from 1 up"),
        ({"eval_windows": 0}, "eval_windows is a whole number from 1 up"),
        ({"lr": 0.0}, "lr is above 0"),
        ({"lr": float("nan")}, "lr is above 0, not nan"),
        ({"clip": -1.0}, "clip is above 0"),
        ({"warmup": -1}, "warmup is 0 or above"),
        ({"seed": -1}, "seed is 0 or above"),
        ({"weight_decay": float("inf")}, "weight_decay is 0 or above"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(setting, message):
    with pytest.raises(train.InputError, match=message):
        train.TrainConfig(**setting)


def test_both_parts_must_fill_a_block():
    with pytest.raises(train.InputError, match=r"training part has 6 .* at least 7"):
        train.fit(gpt(), IDS[:6], REST, CONFIG, show=False)
    with pytest.raises(train.InputError, match=r"validation part has 6 .* at least 7"):
        train.fit(gpt(), FIRST, IDS[:6], CONFIG, show=False)


def test_lists_of_ids_train_too():
    one, other = gpt(), gpt()
    train.fit(one, FIRST, REST, CONFIG, show=False)
    train.fit(other, FIRST.tolist(), REST.tolist(), CONFIG, show=False)
    assert np.array_equal(weights(one), weights(other))


def test_an_optimiser_of_another_model_is_refused():
    with pytest.raises(train.InputError, match="parameters that are not the model's"):
        fit(gpt(), optimizer=nn.SGD(gpt().parameters()))


def test_a_model_without_a_config_asks_for_the_block_size():
    with pytest.raises(train.InputError, match=r"Bigram .* TrainConfig\(block_size=…\)"):
        fit(models.Bigram(5))


def test_a_model_without_a_config_is_told_the_block_size():
    history = fit(models.Bigram(5), replace(CONFIG, block_size=3, lr=0.5))
    assert history.val_losses[-1] < history.val_losses[0] - 0.3


def test_without_a_terminal_there_is_a_line_at_each_evaluation(capsys):
    fit(gpt(), show=None)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("step     0/20  validation loss 1.6")
    for part in ("step    10/20", ", training ", "tokens/s", " left"):
        assert part in lines[2]
    fit(gpt(), show=False)
    assert capsys.readouterr().out == ""


IN_A_TERMINAL = """
import numpy as np
from groundup import models, train
model = models.GPT(models.GPTConfig(vocab_size=5, block_size=6, n_layer=1, n_head=2, n_embd=16))
ids = np.arange(600) % 5
train.fit(model, ids, ids, train.TrainConfig(steps=20, eval_every=10))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_in_a_terminal_there_is_a_bar():
    pytest.importorskip("rich")
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL],
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    assert child.wait() == 0, shown.decode()
    for part in (b"step    10/20", b"loss ", b"tokens/s", b" left", "━".encode()):
        assert part in shown


def test_a_bar_without_rich_says_what_to_install(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    with pytest.raises(train.MissingExtra, match=r"rich: pip install "):
        fit(gpt(), show=None)
