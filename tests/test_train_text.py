"""Texts, tokenizers, batches: what training is fed with."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.engine import Tensor
from groundup.train import (
    CharTokenizer,
    InputError,
    batches,
    check_length,
    read_text,
    reference_text,
    split,
)


@given(st.text(alphabet=st.characters(codec=None), min_size=1))
def test_decode_undoes_encode(text):
    tokenizer = CharTokenizer.from_text(text)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert sorted(set(ids.tolist())) == list(range(tokenizer.vocab_size))


def test_a_tokenizer_survives_json():
    tokenizer = CharTokenizer.from_text("déjà\n\u2028\ud800'\"\\")
    assert CharTokenizer.from_json(json.loads(json.dumps(tokenizer.to_json()))) == tokenizer


@pytest.mark.parametrize("stranger", ["\x00", "m", "🙂", "\ud800"])
def test_an_unknown_character_is_named_with_its_position(stranger):
    tokenizer = CharTokenizer.from_text("abcxyz")
    with pytest.raises(InputError, match="position 3 ") as error:
        tokenizer.encode("abc" + stranger + "!")
    assert repr(stranger) in str(error.value)


def test_an_empty_text_has_no_ids():
    assert CharTokenizer("ab").encode("").shape == (0,)
    assert CharTokenizer("ab").decode([]) == ""


@pytest.mark.parametrize("wrong", [-1, 2])
def test_an_id_that_is_no_character_is_named(wrong):
    with pytest.raises(InputError, match=f"id {wrong} .* 0 to 1"):
        CharTokenizer("ab").decode([0, wrong])


@pytest.mark.parametrize("alphabet", ["", "ba", "aab"])
def test_an_alphabet_is_checked(alphabet):
    with pytest.raises(InputError, match="alphabet"):
        CharTokenizer(alphabet)


@pytest.mark.parametrize("saved", [None, [], {}, {"kind": "BPE"}, {"kind": "CharTokenizer"}])
def test_json_of_something_else_is_no_tokenizer(saved):
    with pytest.raises(InputError, match="CharTokenizer"):
        CharTokenizer.from_json(saved)


def test_the_reference_is_long_and_always_the_same():
    text = reference_text()
    assert text == reference_text()
    assert 300_000 < len(text) < 1_000_000
    assert text.index("assert_stmt") < text.index("while_stmt")  # in the order of the topics


def test_a_file_is_read(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes("\ufeffa–b\r\nc\rd\n".encode())
    assert read_text(path) == "a–b\nc\nd\n"


def test_what_is_wrong_with_a_file_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*gone\.txt"):
        read_text(tmp_path / "gone.txt")
    with pytest.raises(InputError, match="folder"):
        read_text(tmp_path)
    path = tmp_path / "text.txt"
    path.write_bytes(b"")
    with pytest.raises(InputError, match="empty"):
        read_text(path)
    path.write_bytes("caf\xe9 au lait".encode("latin-1"))
    with pytest.raises(InputError, match=r"not UTF-8: byte 3 \(0xe9\)"):
        read_text(path)


def test_what_generate_yields_is_decoded():
    assert CharTokenizer("ab").decode(iter([1, 0])) == "ba"
    assert CharTokenizer("ab").decode(Tensor([1, 0])) == "ba"


@pytest.mark.parametrize("wrong", [1, [[0, 1]], [0.5], np.zeros(2), [True], "ab"])
def test_ids_that_are_no_row_of_integers_are_refused(wrong):
    for use in (CharTokenizer("ab").decode, lambda ids: batches(ids, 1, 1)):
        with pytest.raises(InputError, match="one row of integers"):
            use(wrong)


def test_a_batch_of_a_list_is_that_of_its_array():
    assert np.array_equal(next(batches([*range(50)], 5, 4)), next(batches(np.arange(50), 5, 4)))


def test_split_is_by_position():
    first, rest = split(np.arange(100))
    assert first.tolist() == list(range(90))
    assert rest.tolist() == list(range(90, 100))
    for fraction in (0, 1, -0.5, float("nan")):
        with pytest.raises(InputError, match="between 0 and 1"):
            split(np.arange(100), fraction)


def test_a_batch_is_a_function_of_seed_and_step():
    ids = np.arange(1000)
    source = batches(ids, 5, 4, seed=1)
    made = [next(source) for _ in range(4)]
    for x, y in made:
        assert x.shape == y.shape == (4, 5)
        assert (y == x + 1).all()
        assert (np.diff(x) == 1).all()
    again = next(batches(ids, 5, 4, seed=1, start=3))
    assert np.array_equal(again, made[3])
    assert not np.array_equal(made[2], made[3])
    assert not np.array_equal(next(batches(ids, 5, 4, seed=2)), made[0])


def test_batches_reach_both_ends():
    source = batches(np.arange(7), 4, 50)
    ids, targets = next(source)
    assert set(ids[:, 0]) == {0, 1, 2}
    assert targets.max() == 6


def test_a_part_too_short_for_a_block_is_an_error_with_numbers():
    check_length(np.arange(9), 8, "validation")
    with pytest.raises(InputError, match=r"validation part has 8 characters and a block of 8 .* 9"):
        check_length(np.arange(8), 8, "validation")
    # At the call, not when the first batch is asked for.
    with pytest.raises(InputError, match="training part has 8"):
        batches(np.arange(8), 8, 1)
