"""The page of `zoom` in a real browser: down to scalars and back, by mouse and by keyboard."""

from typing import Any

import numpy as np
import pytest

from groundup import engine, models, nn, viz
from groundup.engine import Tensor, Value
from groundup.engine.graph import ancestry, walk
from groundup.engine.modes import Scope, mode
from groundup.viz.summary import number
from groundup.viz.zoomer.boxes import gradient_words

HOSTILE = [
    "<script>alert(1)</script>", "</script><img src=x onerror=alert(2)>", "\"quotes\" 'and' `",
    "|{}<>\\N\\G", "two\nlines", "🦊 語", "\u202eright to left", "javascript:alert(3)",
]  # fmt: skip


@pytest.fixture
def open_page(browser, tmp_path):
    """Write a page and open it; at the end no request was made, and no error happened."""
    wrong: list[str] = []
    asked: list[str] = []
    contexts: list[Any] = []

    def opened(node, width=1280, **options):
        path = viz.zoom(node, tmp_path / "zoom.html", **options)
        contexts.append(browser.new_context(viewport={"width": width, "height": 800}))
        page = contexts[-1].new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []
    assert all(url.startswith(("file:", "about:")) for url in asked)


def gpt_loss():
    nn.manual_seed(0)
    config = models.GPTConfig(vocab_size=17, block_size=8, n_layer=3, n_head=2, n_embd=8)
    ids = np.random.default_rng(0).integers(0, 17, (1, 4))
    return models.GPT(config)(ids, ids[:, ::-1].copy())[1]


def boxes(page):
    """The texts of each box, as they are seen."""
    return [box.locator("text").all_text_contents() for box in page.locator("#graph .box").all()]


def box(page, title):
    text = page.locator("text.title", has_text=title)
    return page.locator("#graph .box", has=text).first


def into(page, *titles):
    for title in titles:
        box(page, title).click()


def crumbs(page):
    return page.locator("#crumbs li").all_text_contents()


def test_a_transformer_opens_down_to_scalars_and_back(open_page):
    loss = gpt_loss()
    page = open_page(loss)
    assert page.title() == "GPT, opened"
    assert 8 <= len(boxes(page)) <= 14
    assert ["loss", "cross_entropy", number(loss.data), "∂ 1.000"] in boxes(page)
    into(page, "Block × 3", "blocks.1", "attn", "scaled_dot", "softmax")
    assert crumbs(page)[:-1] == [
        "GPT", "Block × 3", "blocks.1", "attn", "scaled_dot_product_attention", "softmax",
    ]  # fmt: skip

    named = (node for node in ancestry(loss) if node.op and node.op.name.startswith("scaled_dot"))
    node: Any = list(named)[1]
    grad = dict(walk(loss, loss.seed()))[node]
    q, k, v = (arg.data for arg in node.args[:3])
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    weights = engine.softmax(np.where(np.tri(4) > 0, scores, -np.inf))
    picked = [option.text_content() for option in page.locator("#element option").all()]
    place = next(i for i, said in enumerate(picked) if said.startswith("[0, 1, 3, 3]"))
    page.locator("#element").select_option(str(place))
    assert page.locator("h1").text_content() == "softmax element [0, 1, 3, 3]"
    (result,) = [said for said in boxes(page) if said[0] == "softmax[0, 1, 3, 3]"]
    whole = (grad @ v.swapaxes(-1, -2))[0, 1, 3, 3]
    assert result[2:] == [number(weights[0, 1, 3, 3]), gradient_words(whole)]
    row = weights[0, 1, 3]
    shares = {said[0]: said[3] for said in boxes(page) if said[1] == "comes in"}
    for j in range(4):
        share = whole * row[3] * ((j == 3) - row[j])
        assert shares[f"x[0, 1, 3, {j}]"] == gradient_words(share)

    for title in ["scaled_dot_product_attention", "attn", "blocks.1", "Block × 3", "GPT"]:
        page.keyboard.press("Escape")
        assert page.locator("h1 bdi").text_content() == title
    page.keyboard.press("Escape")
    assert crumbs(page) == ["GPT"]


def test_a_closed_box_says_what_its_view_says_at_its_border(open_page):
    page = open_page(gpt_loss())
    into(page, "Block × 3")
    closed = {said[0]: said[3] for said in boxes(page) if said[1] == "Block"}
    for title, gradient in closed.items():
        into(page, title)
        (out,) = [said for said in boxes(page) if said[1] == "goes out"]
        assert out[3] == gradient
        page.keyboard.press("Backspace")
    assert len(closed) == 3


def test_the_keyboard_alone_is_enough(open_page):
    page = open_page(gpt_loss())
    names = [b.get_attribute("aria-label") for b in page.locator("#graph .box").all()]
    target = next(i for i, name in enumerate(names) if name.startswith("Block × 3"))
    assert names[target].endswith(": open")
    for _ in range(target + 1):
        page.keyboard.press("Tab")
    focused = "document.activeElement.getAttribute('aria-label')"
    assert page.evaluate(focused) == names[target]
    page.keyboard.press("Enter")
    assert page.locator("h1 bdi").text_content() == "Block × 3"
    assert page.evaluate("document.activeElement.id") == "heading"
    page.keyboard.press("Shift+Tab")  # the way here, a link
    page.keyboard.press("Enter")
    page.locator("h1", has_text="GPT").wait_for()
    page.go_back()
    page.locator("h1", has_text="Block × 3").wait_for()


def test_a_view_and_an_element_have_links(open_page):
    page = open_page(gpt_loss())
    into(page, "+")
    page.locator("#element").select_option("2")
    there = page.url
    said = boxes(page)
    page.goto("about:blank")
    page.goto(there)
    assert boxes(page) == said
    assert page.locator("#element").input_value() == "2"
    page.goto(f"{there.partition('#')[0]}#9999/9")
    assert crumbs(page) == ["GPT"]


def test_an_element_is_picked_on_the_map(open_page):
    x = Tensor(np.arange(4.0).reshape(2, 2), requires_grad=True, name="x")
    page = open_page(np.exp(x).sum())
    into(page, "exp")
    page.locator("#map button").nth(3).click()
    assert page.locator("h1").text_content() == "exp element [1, 1]"
    assert ["exp[1, 1]", "", number(np.exp(3.0)), "∂ 1.000"] in boxes(page)


def test_an_element_of_a_large_result_is_picked_on_its_heat_map(open_page):
    x = Tensor(np.linspace(-1, 1, 600).reshape(20, 30), requires_grad=True, name="x")
    page = open_page(np.exp(x).sum(), elements={})
    into(page, "exp")
    spots = page.locator("#map .pick")
    said = [spot.locator("title").text_content() for spot in spots.all()]
    assert len(said) == 6
    spots.nth(said.index("[19, 29]")).click()
    assert ["exp[19, 29]", "", number(np.exp(1.0)), "∂ 1.000"] in boxes(page)


def test_hostile_names_are_shown_and_run_nothing(open_page):
    total, scope = Value(0.0, name="start"), None
    for name in HOSTILE:
        scope = Scope(name, name, None)
        with mode(scope=scope):
            total = total * Value(2.0, name=name) + 1
            total.name = f"out {name}"
    page = open_page(total)
    shown = " ".join(text for said in boxes(page) for text in said)
    assert "<script>alert(1)</script>" in shown
    assert "two↵lines" in shown
    assert "\u202e" not in shown
    for i in range(len(HOSTILE)):
        page.locator("#graph .opens").nth(i).click()
        page.keyboard.press("Escape")
    weight = Tensor(np.ones((3, 3)), requires_grad=True, name=HOSTILE[1])
    page = open_page((weight @ weight).sum(), elements=9)
    page.locator("#graph .box").first.hover()
    assert HOSTILE[1] in page.locator("#panel").text_content()
    page.locator("#graph .opens").first.click()
    assert page.locator("script").count() == 2
    assert page.locator("img").count() == 0


def test_a_module_may_have_no_name_at_all(open_page):
    total = Value(2.0)
    for name in ("", "named"):
        with mode(scope=Scope(name, name, None)):
            total = total * 3
    page = open_page(total)
    assert page.locator("#graph .opens").count() == 2


def test_ten_thousand_scalars_open_in_bounded_views(open_page):
    x = Value(1.0, name="x")
    for _ in range(5_000):
        x = x * 0.999 + 0.001
    page = open_page(x)
    assert "10,000 ops, all of them in 22 closed boxes" in page.locator("#said").text_content()
    into(page, "… 454 ops", "… 21 ops")
    assert len(boxes(page)) < 80
    assert page.locator("h1").text_content() == "… 21 ops 21 to 41"


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_wider_than_the_page(open_page, width):
    page = open_page(gpt_loss(), width)
    for titles in ((), ("Block × 3",), ("blocks.0",), ("attn",), ("c_attn",), ("linear",)):
        into(page, *titles)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_panel_tells_more(open_page):
    x = Tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True, name="x")
    y = np.tanh(x) * Tensor(np.ones(2), name="mask")
    page = open_page(y.sum())
    box(page, "x").hover()
    told = page.locator("#panel").inner_text()
    for said in ("1.000", "2.000", "3.000", "5.000", number(1 - np.tanh(1.0) ** 2), "(2, 2)"):
        assert said in told
    box(page, "mask").hover()
    assert "No gradient: requires_grad=False" in page.locator("#panel").inner_text()
    page.locator("#graph .box", has_text="tanh").first.focus()
    assert "∂a += ∂out · (1 − out · out)" in page.locator("#panel").inner_text()
