"""Modes whose blocks do not end in the order in which they began: generators hold theirs open."""

import asyncio
import gc
import weakref

import pytest

from groundup.engine import Value, detect_anomaly, no_grad
from groundup.engine.modes import enable_grad, modes


def test_generators_that_overlap_restore_recording():
    def constants(n):
        with no_grad():
            for _ in range(n):
                yield modes.recording

    short, long = constants(2), constants(3)
    assert list(zip(short, long, strict=False)) == [(False, False)] * 2
    assert not modes.recording  # long is held open: zip had asked short first, and that has ended
    long.close()
    assert modes.recording
    first, second = constants(2), constants(2)
    next(first), next(second)
    first.close()
    assert not modes.recording
    second.close()
    assert modes.recording
    assert not modes.entered


@pytest.mark.parametrize(("first", "second", "between"), [
    (no_grad, enable_grad, True), (enable_grad, no_grad, False), (no_grad, no_grad, False),
])  # fmt: skip
def test_what_was_opened_last_holds_until_it_is_closed(first, second, between):
    one, other = first(), second()
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert modes.recording is between
    other.__exit__(None, None, None)
    assert modes.recording


def test_debugging_blocks_closed_out_of_order():
    one, other = detect_anomaly(), detect_anomaly()
    one.__enter__()
    other.__enter__()
    latest = modes.witness
    one.__exit__(None, None, None)
    assert modes.witness is latest
    other.__exit__(None, None, None)
    assert modes.witness is None
    assert not modes.entered


@no_grad
def echo(log):
    """Says whether it is recorded, and notes what is sent and thrown in."""
    try:
        while True:
            try:
                sent = yield modes.recording
            except KeyError:
                sent = "caught"
            log.append(sent)
            if sent == "stop":
                return log
    finally:
        log.append(f"recording: {modes.recording}")


def test_a_decorated_generator_is_a_constant_in_each_of_its_steps():
    @no_grad()
    def doubled(x):
        while True:
            x = x * 2
            yield x

    x = Value(1.0)
    for y, _ in zip(doubled(x), range(3), strict=False):
        assert not y.requires_grad  # what it computed
        assert (x * y).requires_grad  # and between its steps, others record
    assert y.data == 8


def test_a_decorated_generator_is_sent_thrown_and_closed():
    log: list = []
    steps = echo(log)
    assert next(steps) is False
    assert steps.send(5) is False
    assert steps.throw(KeyError("k")) is False
    assert modes.recording
    with pytest.raises(StopIteration) as end:
        steps.send("stop")
    assert end.value.value is log
    assert log == [5, "caught", "stop", "recording: False"]

    def whole(log):
        return (yield from echo(log))

    again: list = []
    outer = whole(again)
    next(outer)
    with pytest.raises(StopIteration) as end:
        outer.send("stop")
    assert end.value.value is again

    closed: list = []
    steps = echo(closed)
    next(steps)
    steps.close()
    assert closed == ["recording: False"]
    assert modes.recording

    failing = echo([])
    next(failing)
    with pytest.raises(ZeroDivisionError):
        failing.throw(ZeroDivisionError)
    assert modes.recording


def test_a_decorated_coroutine_is_a_constant_and_the_others_record():
    x, seen = Value(1.0), []

    @no_grad
    async def constant():
        for _ in range(2):
            seen.append((x * 2).requires_grad)
            await asyncio.sleep(0)
        return x * 3

    async def recorded():
        for _ in range(2):
            seen.append((x * 2).requires_grad)
            await asyncio.sleep(0)

    async def both():
        return await asyncio.gather(constant(), recorded())

    assert not asyncio.run(constant()).requires_grad
    seen.clear()
    out, _ = asyncio.run(both())
    assert not out.requires_grad
    assert seen == [False, True, False, True]
    assert modes.recording


def test_an_asynchronous_generator_is_not_decorated():
    with pytest.raises(TypeError, match="steps is an asynchronous generator: open a block in it"):

        @no_grad
        async def steps():
            yield 1


def test_enable_grad_decorates_with_and_without_brackets():
    x = Value(1.0)
    for decorate in (enable_grad, enable_grad()):
        with no_grad():
            assert decorate(lambda: x * 2)().requires_grad
            assert not (x * 2).requires_grad


def test_a_decorated_generator_that_is_closed_lets_its_arguments_go():
    class Large:
        pass

    @no_grad
    def steps(x):
        yield x
        yield x

    large = Large()
    gone = weakref.ref(large)
    gc.disable()
    try:
        started = steps(large)
        next(started)
        started.close()
        del started, large
        assert gone() is None
    finally:
        gc.enable()
