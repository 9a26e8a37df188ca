"""Checkpoints: what is saved comes back, or says why not; a crash costs no checkpoint."""

import json
import os
import sys
from typing import Any

import numpy as np
import pytest

from groundup import models, nn, train
from groundup.train import files

safetensors = pytest.importorskip("safetensors.numpy")

TEXT = "to be or not to be, that is the question. " * 20
TOKENIZER = train.CharTokenizer.from_text(TEXT)
IDS = TOKENIZER.encode(TEXT)
CONFIG = train.TrainConfig(steps=10, batch_size=4, warmup=2, eval_every=5, seed=3)


def gpt(seed=0, **sizes):
    nn.manual_seed(seed)
    sizes = {"block_size": 8, "n_layer": 2, "n_head": 2, "n_embd": 8, **sizes}
    return models.GPT(models.GPTConfig(vocab_size=TOKENIZER.vocab_size, dropout=0.1, **sizes))


def fit(model, config=CONFIG, **settings):
    return train.fit(model, IDS[:600], IDS[600:], config, show=False, **settings)


def same_weights(one, other):
    one, other = one.state_dict(), other.state_dict()
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


@pytest.fixture
def saved(tmp_path):
    """A checkpoint in a folder, as it was when the training ended."""
    model = gpt()
    optimizer = train.loop.new_optimizer(model, CONFIG)
    history = fit(model, optimizer=optimizer, stop_when=lambda history: history.step == 5)
    state = {"config": CONFIG, "optimizer": optimizer, "history": history, "notes": {"a": [1]}}
    train.save(tmp_path / "model", model, TOKENIZER, **state)
    return tmp_path / "model", train.Checkpoint(model, TOKENIZER, **state)


def change(folder, edit):
    """Edit config.json by hand."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    edit(config)
    path.write_text(json.dumps(config), encoding="utf-8")


def test_what_is_saved_comes_back(saved):
    folder, state = saved
    loaded = train.load(folder)
    assert same_weights(loaded.model, state.model)
    assert loaded.model.config == state.model.config
    assert loaded.tokenizer == state.tokenizer
    assert loaded.config == state.config
    assert loaded.history == state.history
    assert loaded.notes == {"a": [1]}
    assert {path.name for path in folder.iterdir()} == {
        "config.json",
        "history.json",
        "model.safetensors",
        "optimizer.safetensors",
    }


def test_the_weights_are_an_ordinary_safetensors_file(saved):
    folder, state = saved
    arrays = safetensors.load_file(folder / "model.safetensors")
    assert arrays.keys() == state.model.state_dict().keys()
    assert all(np.array_equal(arrays[k], v) for k, v in state.model.state_dict().items())


def test_a_resumed_training_is_the_unbroken_one(saved):
    folder, _ = saved
    whole = gpt()
    unbroken = fit(whole)
    loaded = train.load(folder)
    history = fit(loaded.model, optimizer=loaded.optimizer, history=loaded.history)
    assert history.losses == unbroken.losses
    assert history.val_losses == unbroken.val_losses
    assert same_weights(loaded.model, whole)


def test_a_model_alone_can_be_saved(tmp_path):
    model = gpt()
    model.wpe.weight.data = np.asfortranarray(model.wpe.weight.data)  # in another order in memory
    train.save(str(tmp_path), model, TOKENIZER)
    loaded = train.load(str(tmp_path))
    assert same_weights(loaded.model, model)
    assert (loaded.optimizer, loaded.config, loaded.history.step) == (None, None, 0)


def test_a_vocabulary_may_be_larger_than_the_alphabet_and_no_id_is_drawn_beyond(tmp_path):
    model, few = gpt(), train.CharTokenizer("ab")
    train.save(tmp_path, model, few)
    loaded = train.load(tmp_path)
    assert same_weights(loaded.model, model)
    for vocab_size, drawn in ((None, set(range(15))), (few.vocab_size, {0, 1})):
        ids = train.generate(loaded.model, [0], 200, seed=0, vocab_size=vocab_size)
        assert set(ids) == drawn


def test_a_vocabulary_smaller_than_the_alphabet_is_refused_when_it_is_saved(tmp_path):
    many = train.CharTokenizer("0123456789abcdef")
    with pytest.raises(train.InputError, match=r"16 characters and .* vocabulary of 15"):
        train.save(tmp_path, gpt(), many)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("width", [np.float64, np.float16])
def test_weights_come_back_in_their_width(tmp_path, width):
    model = gpt().to(width)
    model.ln_f.weight.to_(np.float32)
    train.save(tmp_path, model, TOKENIZER, optimizer=nn.AdamW(model.parameters()))
    loaded = train.load(tmp_path).model
    assert {name: p.dtype for name, p in loaded.named_parameters()} == {
        name: p.dtype for name, p in model.named_parameters()
    }
    assert same_weights(loaded, model)


def test_what_is_frozen_comes_back_frozen(tmp_path):
    model = gpt()
    model.wpe.weight.requires_grad_(False)
    train.save(tmp_path, model, TOKENIZER)
    named = train.load(tmp_path).model.named_parameters()
    assert [name for name, p in named if not p.requires_grad] == ["wpe.weight"]


def test_sizes_and_settings_may_be_numbers_of_numpys(tmp_path):
    model = models.GPT(
        models.GPTConfig(np.max(IDS) + 1, block_size=8, n_layer=1, n_head=2, n_embd=8)
    )
    settings: dict[str, Any] = {"steps": np.int64(10), "lr": np.float32(0.5)}
    config = train.TrainConfig(**settings)
    train.save(tmp_path, model, TOKENIZER, config=config)
    loaded = train.load(tmp_path)
    assert (loaded.model.config, loaded.config) == (model.config, config)


def no_more_than(calls, function):
    """A function that ends the process, as far as a test can, after so many calls."""

    def limited(*args):
        nonlocal calls
        if calls == 0:
            raise SystemExit("killed")
        calls -= 1
        return function(*args)

    return limited


@pytest.mark.parametrize("calls", range(3))
def test_a_save_that_is_killed_leaves_a_whole_checkpoint(saved, monkeypatch, calls):
    """Each os.replace is a moment between two states: first config.json's, then the others'."""
    folder, old = saved
    model = old.model if calls == 0 else gpt(seed=1)
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", no_more_than(calls, os.replace))
        with pytest.raises(SystemExit):
            train.save(folder, gpt(seed=1), TOKENIZER)
    loaded = train.load(folder)
    assert same_weights(loaded.model, model)
    assert loaded.history.step == (5 if calls == 0 else 0)
    assert bool(loaded.optimizer) == (calls == 0)

    # A next save, killed before it counts, does not spoil what the first left behind.
    with monkeypatch.context() as patch:
        patch.setattr(files, "write", no_more_than(2, files.write))
        with pytest.raises(SystemExit):
            train.save(folder, gpt(seed=2), TOKENIZER)
    assert same_weights(train.load(folder).model, model)

    train.save(folder, gpt(seed=3), TOKENIZER)
    assert same_weights(train.load(folder).model, gpt(seed=3))
    assert not list(folder.glob("*.new"))


def test_a_full_disk_costs_no_checkpoint(saved, monkeypatch):
    folder, old = saved

    def full(path, content):
        path.write_bytes(content[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write", full)
    with pytest.raises(OSError, match="No space"):
        train.save(folder, gpt(seed=1), TOKENIZER)
    assert same_weights(train.load(folder).model, old.model)


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "history.json"])
def test_a_truncated_file_is_found_at_any_length(saved, name):
    folder, _ = saved
    whole = (folder / name).read_bytes()
    for length in (0, 1, 7, 8, 9, 100, len(whole) // 2, len(whole) - 1):
        (folder / name).write_bytes(whole[:length])
        with pytest.raises(train.InputError, match=f"{name} is truncated, damaged"):
            train.load(folder)
    (folder / name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(train.InputError, match=f"{name} is truncated, damaged"):
        train.load(folder)


def test_a_truncated_config_is_found_at_any_length(saved):
    path = saved[0] / "config.json"
    whole = path.read_bytes()
    for length in (0, 1, 50, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(train.InputError, match=r"config\.json is broken: it is not JSON"):
            train.load(path.parent)


def test_what_is_missing_is_named(saved, tmp_path):
    folder, _ = saved
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        train.load(tmp_path / "nowhere")
    for name in ("model.safetensors", "history.json", "optimizer.safetensors"):
        content = (folder / name).read_bytes()
        (folder / name).unlink()
        with pytest.raises(FileNotFoundError, match=f"{name} is missing"):
            train.load(folder)
        (folder / name).write_bytes(content)
    (folder / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"no checkpoint: it has no config\.json"):
        train.load(folder)


def test_weights_that_do_not_fit_the_config_are_all_named(saved):
    folder, _ = saved
    change(folder, lambda config: config["model"].update(n_layer=3, block_size=9))
    with pytest.raises(train.InputError) as error:
        train.load(folder)
    for part in ("model.safetensors and config.json", "wpe.weight", "(8, 8)", "(9, 8)"):
        assert part in str(error.value)
    for name in gpt(n_layer=3).state_dict():
        assert (name in str(error.value)) == (name.startswith("blocks.2.") or name == "wpe.weight")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda c: c.update(version=2), "version 2; this groundup reads .* version 1"),
        (lambda c: c.update(format="other"), "is a other, version 1"),
        (lambda c: c.pop("files"), "was not written by groundup"),
        (lambda c: c["model"].update(kind="RNN"), "kind 'RNN' is not known, only GPT"),
        (lambda c: c.update(model=None), "kind None is not known"),
        (lambda c: c["model"].update(size=1), "not known: size"),
        (lambda c: c["model"].pop("n_head"), "missing: n_head"),
        (lambda c: c["model"].update(n_head=3), "n_embd .8. must be a multiple of n_head .3."),
        (lambda c: c["model"].update(n_head="two"), "model of kind GPT: "),
        (lambda c: c["model"].update(n_layer=1.5), "n_layer is a whole number from 1 up, not 1.5"),
        (
            lambda c: c["tokenizer"].update(alphabet="0123456789abcdef"),
            "16 characters and .* vocabulary of 15",
        ),
        (lambda c: c.update(frozen=["wpe"]), "frozen: the model has no parameter 'wpe'"),
        (lambda c: c.pop("tokenizer"), "CharTokenizer"),
        (lambda c: c.update(step=7), "step 7, and a history of 5"),
        (lambda c: c["train"].update(lr=-1), "train: lr is above 0"),
        (lambda c: c["optimizer"].update(kind="Lion"), "'Lion' is not known"),
        (lambda c: c["optimizer"].pop("param_groups"), "optimizer.safetensors does not fit"),
        (lambda c: c["optimizer"]["param_groups"][0]["params"].pop(), "does not fit"),
    ],
)
def test_a_config_that_was_edited_says_what_is_wrong(saved, edit, message):
    folder, _ = saved
    change(folder, edit)
    with pytest.raises(train.InputError, match=message):
        train.load(folder)


def test_a_config_that_is_another_programs_is_left_alone(tmp_path):
    for content in ('{"model_type": "gpt2"}', "[1]", "# yaml"):
        (tmp_path / "config.json").write_text(content, encoding="utf-8")
        with pytest.raises(train.InputError, match=r"config\.json"):
            train.save(tmp_path, gpt(), TOKENIZER)
        assert (tmp_path / "config.json").read_text(encoding="utf-8") == content
        assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_for_a_new_training_is_free(saved, tmp_path):
    with pytest.raises(train.InputError, match="--resume"):
        train.check_free(saved[0])
    (tmp_path / "file").touch()
    with pytest.raises(train.InputError, match="is a file"):
        train.check_free(tmp_path / "file")
    train.check_free(tmp_path / "new" / "deep")
    assert (tmp_path / "new" / "deep").is_dir()


def test_what_a_checkpoint_cannot_hold_is_said(tmp_path):
    class Other(models.GPT):
        pass

    with pytest.raises(TypeError, match="cannot hold a Other, only GPT"):
        train.save(tmp_path, Other(gpt().config), TOKENIZER)


def test_without_safetensors_it_is_said_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(train.MissingExtra, match=r"safetensors: pip install "):
        train.save(tmp_path, gpt(), TOKENIZER)
    assert not list(tmp_path.iterdir())


def two_groups(model, kind, **settings):
    """Matrices apart from the rest, which has another decay."""
    matrices, rest = ([p for p in model.parameters() if (p.ndim == 2) == two] for two in (1, 0))
    if kind is nn.Muon:
        return kind(matrices, **settings)
    return kind([{"params": rest, "weight_decay": 0.0}, {"params": matrices}], **settings)


@pytest.mark.parametrize("kind", [nn.SGD, nn.RMSprop, nn.Adagrad, nn.Adam, nn.AdamW, nn.Muon])
def test_an_optimiser_comes_back_with_its_groups_and_goes_on_exactly(kind, tmp_path):
    settings = {"momentum": 0.9} if kind in (nn.SGD, nn.RMSprop) else {}
    whole, model = gpt(), gpt()
    fit(whole, optimizer=two_groups(whole, kind, weight_decay=0.2, **settings))
    optimizer = two_groups(model, kind, weight_decay=0.2, **settings)
    history = fit(model, optimizer=optimizer, stop_when=lambda history: history.step == 5)
    train.save(tmp_path, model, TOKENIZER, optimizer=optimizer, history=history)
    loaded = train.load(tmp_path)
    assert isinstance(loaded.optimizer, kind)
    one, other = loaded.optimizer.state_dict(), optimizer.state_dict()
    np.testing.assert_equal(one["state"], other["state"])
    assert one["param_groups"] == other["param_groups"]  # a tuple is no list here
    fit(loaded.model, optimizer=loaded.optimizer, history=loaded.history)
    assert same_weights(loaded.model, whole)


def test_an_older_checkpoint_numbers_the_parameters(saved):
    folder, state = saved

    def age(config):
        (group,) = config["optimizer"]["param_groups"]
        group["params"] = list(range(len(group["params"])))
        del group["amsgrad"], group["maximize"]

    change(folder, age)
    optimizer = train.load(folder).optimizer
    assert optimizer
    np.testing.assert_equal(optimizer.state_dict(), state.optimizer.state_dict())


def test_an_optimiser_of_another_model_is_not_saved(tmp_path):
    optimizer = nn.SGD(gpt().parameters())
    with pytest.raises(TypeError, match="parameters that are not the model's"):
        train.save(tmp_path, gpt(), TOKENIZER, optimizer=optimizer)
    assert not list(tmp_path.iterdir())
