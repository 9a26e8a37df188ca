"""`viz.step` in a browser: the numbers shown are the engine's, and names run nothing."""

import re
from typing import Any

import numpy as np
import pytest

from groundup import nn, viz
from groundup.engine import Tensor, Value, cross_entropy, no_grad, relu
from groundup.engine.modes import modes
from groundup.viz.notation import aligned, digits
from groundup.viz.stepper.script import Passes
from groundup.viz.stepper.step_record import shown

pytest.importorskip("jinja2")

HOSTILE = [
    "<script>alert(1)</script>", "</script><img src=x onerror=alert(2)>", "\"quo'te\"", "|{}\\N",
    "two\nlines", "😀", "שלום", "\u202eturned", "javascript:alert(3)", "${alert(4)}", "{{ 7 * 7 }}",
]  # fmt: skip


def expression():
    a, b = Value(0.5, name="a"), Value(-3.0, name="b")
    product = a * b
    return (product + a).tanh() * a


def network():
    rng = np.random.default_rng(0)
    x = Tensor(rng.normal(size=(8, 3)), name="x")
    w: Any = Tensor(rng.normal(size=(3, 4)), requires_grad=True, name="w")
    b: Any = Tensor(rng.normal(size=4), requires_grad=True, name="b")
    h: Any = relu(x @ w + b)
    return cross_entropy(h @ w.T @ w, np.arange(8) % 4)


@pytest.fixture
def visit(browser, tmp_path):
    """Opens a page; whatever it says, throws or asks the network for makes the test fail."""
    wrong: list[str] = []
    pages = []

    def opened(loss, at="", **settings):
        path = loss if isinstance(loss, str) else str(viz.step(loss, tmp_path / "step.html"))
        page = browser.new_page(**{"viewport": {"width": 1280, "height": 800}, **settings})
        pages.append(page)
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("console", lambda message: wrong.append(f"console: {message.text}"))
        page.on("dialog", lambda dialog: refuse(dialog))
        page.on("request", lambda request: asked(request.url, path))
        page.goto(f"file://{path}{at}")
        return page

    def refuse(dialog):
        wrong.append("dialog")
        dialog.dismiss()

    def asked(url, path):
        if url.partition("#")[0] != f"file://{path}":
            wrong.append(f"request: {url}")

    yield opened
    for page in pages:
        page.close()
    assert wrong == []


def text(page, selector):
    return " ".join(page.inner_text(selector).split())


def boxes(page):
    """The texts in each box that is seen: title, word, value, gradient …"""
    found = {}
    for box in page.query_selector_all("#graph .box.seen"):
        texts = [part.text_content() for part in box.query_selector_all("text")]
        found[texts[0]] = [part for part in texts[1:] if part]
    return found


def test_every_number_shown_is_the_engines(visit):
    loss = expression()
    page = visit(lambda: loss)
    steps = list(viz.steps(loss))
    titles, totals = {}, {}
    for number, step in enumerate(steps, 1):
        if number > 1:
            page.keyboard.press("ArrowRight")
        titles[step.node] = step.name
        panel = text(page, "#panel")
        assert step.heading in panel
        assert step.what in panel
        assert text(page, "#counter") == f"{number} / {len(steps)}"
        assert page.input_value("#slider") == str(number)
        if step.rule:
            assert step.rule in panel
            assert step.numbers in panel
        if step.is_forward:
            assert digits(step.node.data) in panel
        elif step.arg is not None:
            tiles = [tile.inner_text() for tile in page.query_selector_all(".tile b")]
            assert tiles == [digits(step.incoming), digits(step.local), digits(step.share)]
        if step.meets:
            assert text(page, ".sum.meets h3") == step.meeting[0].upper() + step.meeting[1:]
            added = [cell.inner_text() for cell in page.query_selector_all(".addition td + td")]
            assert added == aligned(step.before, step.share, step.total)
        else:
            assert page.query_selector(".meets") is None
        if not step.is_forward:
            totals[step.receiver] = digits(step.total) + (" …" if not step.whole else "")
            if step.whole:
                assert f"{step.gradient} = {digits(step.total)}" in panel
        drawn = boxes(page)
        assert len(drawn) == len(titles)
        for node, title in titles.items():
            assert digits(node.data) in drawn[title]
            gradient = [f"∂ {totals[node]}"] if node in totals else []
            assert [part for part in drawn[title] if "∂" in part] == gradient
    loss.backward()
    for node, total in totals.items():
        assert total == digits(node.grad)
    page.keyboard.press("ArrowRight")  # at the end, it stays there
    assert text(page, "#counter").startswith(f"{len(steps)} /")


def test_arrays_are_shown_with_their_numbers(visit):
    loss = network()
    page = visit(lambda: loss)
    for number, step in enumerate(viz.steps(loss), 1):
        if number > 1:
            page.keyboard.press("ArrowRight")
        panel = text(page, "#panel")
        assert step.what in panel
        if step.summed:
            assert step.summed in panel
        if step.arg is None or not np.ndim(step.share):
            continue
        figures = page.query_selector_all("#shown > .arrays > div")
        names = [figure.query_selector("h4").inner_text() for figure in figures]
        assert names == ["incoming", "contribution"]
        array = np.asarray(step.share)
        contribution = " ".join(figures[1].inner_text().split())
        assert str(array.shape) in contribution
        if max(array.shape) <= 4:
            cells = figures[1].query_selector_all("td")
            assert [float(cell.inner_text().replace("−", "-")) for cell in cells] == pytest.approx(
                array.ravel().tolist(), rel=1e-3
            )
        else:
            for word, x in (("min", array.min()), ("max", array.max())):
                assert f"{word} {digits(x)}" in contribution
            label = figures[1].query_selector("canvas[role=img]").get_attribute("aria-label")
            assert label.startswith(f"Heat map of contribution: shape {array.shape}, from ")
        stickers = [one.text_content() for one in page.query_selector_all(".sticker")]
        assert stickers == [str(array.shape)]
        if step.meets:
            assert len(page.query_selector_all(".sum.meets .array")) == 3
    assert "∂loss/∂w = (3, 4) of norm" in panel
    assert "through the definition of cross_entropy" in page.content()


def test_a_heat_map_is_painted_as_the_numbers_are(visit):
    x: Any = Tensor(np.array([-1.0, 0.0, 0.0, 0.0, 2.0]), requires_grad=True, name="x")
    page = visit((x * 1.0).sum(), "#step-1")
    colours = page.evaluate("""() => {
      const canvas = document.querySelector('canvas');
      const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, 1).data;
      return [canvas.width, [0, 1, 4].map((i) => [...data.slice(4 * i, 4 * i + 3)])];
    }""")
    below, zero, above = colours[1]
    assert colours[0] == 5
    assert below[2] > below[0]  # bluer
    assert above[0] > above[2] + 100  # orange
    assert max(zero) - min(zero) < 8  # neither


def test_moving_about(visit):
    page = visit(expression())
    last = text(page, "#counter").rpartition(" ")[2]
    page.keyboard.press("End")
    assert text(page, "#counter") == f"{last} / {last}"
    assert page.is_disabled("#next")
    page.keyboard.press("Home")
    assert text(page, "#counter") == f"1 / {last}"
    assert page.is_disabled("#previous")
    page.click("#next")
    page.click("#next")
    page.click("#previous")
    assert text(page, "#counter") == f"2 / {last}"
    page.fill("#slider", "5")
    assert text(page, "#counter") == f"5 / {last}"
    page.focus("#slider")
    page.keyboard.press("ArrowRight")  # the slider's own key moves by one, not by two
    assert text(page, "#counter") == f"6 / {last}"
    page.focus("#speed")
    page.select_option("#speed", "60")
    page.keyboard.press("Home")  # the list's own key: no step
    page.select_option("#speed", "60")
    page.click("#play")
    assert text(page, "#play") == "Pause"
    page.locator("#counter", has_text=f"{last} / {last}").wait_for()
    assert text(page, "#play") == "Play"


def test_a_click_on_a_box_goes_to_its_steps(visit):
    page = visit(expression(), "#step-3")
    a = page.get_by_role("button", name=re.compile(r"^a\s+parameter"))
    a.click()
    assert text(page, "#what") == "a is given"
    a.click()
    assert text(page, "#what") == "from loss to a"
    a.click()
    assert text(page, "#what") == "a is given"
    page.get_by_role("button", name=re.compile("^loss")).click()
    assert text(page, "#what") == "loss is computed"
    page.keyboard.press("Enter")  # it has the focus
    assert text(page, "#what") == "the backward pass begins at loss"
    page.keyboard.press("ArrowLeft")
    assert text(page, "#what") == "loss is computed"


def test_the_address_follows_and_leads(visit):
    page = visit(expression(), "#step-8")
    assert text(page, "#counter").startswith("8 /")
    page.keyboard.press("ArrowRight")
    assert page.url.endswith("#step-9")
    page.evaluate("location.hash = '#step-3'")
    page.locator("#counter", has_text=re.compile("^3 /")).wait_for()
    page.evaluate("location.hash = '#step-999'")
    page.wait_for_selector("#next[aria-disabled=true]")
    page.evaluate("location.hash = '#nonsense'")
    page.locator("#counter", has_text=re.compile("^1 /")).wait_for()


def test_it_works_inside_another_page(visit, browser, tmp_path):
    html = viz.step(expression(), tmp_path / "inner.html").read_text(encoding="utf-8")
    page = browser.new_page()
    errors: list[Any] = []
    page.on("pageerror", lambda error: errors.append(error))
    page.set_content("<iframe width=900 height=600></iframe>")
    page.eval_on_selector("iframe", "(frame, html) => { frame.srcdoc = html; }", html)
    inner = page.frame_locator("iframe")
    inner.locator("#next").click()
    assert inner.locator("#counter").inner_text().startswith("2 /")
    page.close()
    assert errors == []


def test_hostile_names_run_nothing_and_are_shown(visit):
    """What runs would open a dialog, throw, or ask for a file: `visit` counts those."""
    loss: Any = Value(1.0)
    for place, name in enumerate(HOSTILE):
        value = Value(0.5 + place, name=name)
        loss = loss * value
        loss.name = f"made {name}"
    loss.name = HOSTILE[1]
    page = visit(loss)
    page.keyboard.press("End")
    for box in page.query_selector_all("#graph .box")[:8]:
        box.click()
    page.keyboard.press("End")
    titles = " ".join(boxes(page))
    for name in ("<script>alert(1)</script>", "\"quo'te\"", "|{}\\N", "two↵lines", "😀", "שלום",
                 "\ufffdturned", "javascript:alert(3)", "${alert(4)}", "{{ 7 * 7 }}"):  # fmt: skip
        assert name in titles
    assert "</script><img src=x" in titles
    assert page.query_selector("img") is None
    assert len(page.query_selector_all("script")) == 2


def test_a_hostile_script_name_and_source_line(visit, tmp_path, monkeypatch, capsys):
    from groundup.__main__ import main

    monkeypatch.chdir(tmp_path)
    path = tmp_path / "<img src=x onerror=alert(1)>.py"
    path.write_text(
        "from groundup.engine import Value\na = Value(1.0, name='a')\n"
        "b = a * a; '</script><script>alert(5)</script>'\nb.backward()\n"
    )
    assert main(["step", str(path)]) == 0
    page = visit(str(tmp_path / "step.html"))
    page.keyboard.press("ArrowRight")
    panel = text(page, "#panel")
    assert "b = a * a; '</script><script>alert(5)</script>'" in panel
    assert "<img src=x onerror=alert(1)>.py:3" in panel
    assert "<img src=x onerror=alert(1)>.py" in text(page, "h1")


def test_several_passes(visit, tmp_path):
    passes = Passes(page="Two passes")
    a = Value(2.0, name="a")
    with passes.watching():
        (a * a).backward()
        (a * 3 + a).backward()
    page = visit(str(passes.write(tmp_path / "passes.html")), "#pass-2-step-4")
    options = [one.inner_text() for one in page.query_selector_all("#pass option")]
    assert options == ["1 of 2: loss, 5 steps", "2 of 2: loss, 7 steps"]
    assert text(page, "#counter") == "4 / 7"
    page.select_option("#pass", "0")
    assert text(page, "#counter") == "1 / 5"
    page.focus("#next")
    page.keyboard.press("End")
    assert "two paths meet at a" in text(page, "#panel").lower()
    assert page.url.endswith("#step-5")
    page.select_option("#pass", "1")
    assert page.url.endswith("#pass-2-step-1")
    assert text(page, "h1") == "Two passes"


# For keyboard and screen reader


def test_the_focus_goes_from_controls_to_graph(visit):
    page = visit(expression(), "#step-3")
    order = []
    for _ in range(9):
        page.keyboard.press("Tab")
        order.append(page.evaluate(
            "(({id, tagName, textContent}) => id || textContent)(document.activeElement)"
        ))  # fmt: skip
    assert order[:6] == ["previous", "next", "play", "speed", "slider", "graph"]
    assert "parameter" in order[6]
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") is not None


def test_everything_has_a_name_and_a_role(visit):
    page = visit(network(), "#step-10")
    for role, name in [("button", "Previous"), ("button", "Next"), ("button", "Play"),
                       ("slider", "Step"), ("combobox", "Speed"),
                       ("region", "The computation graph"), ("region", "This step")]:  # fmt: skip
        assert page.get_by_role(role, name=name).count() == 1, name
    said = page.locator("[aria-live=polite][aria-atomic=true]")
    assert "Forward 10 of 10" in said.inner_text()
    page.keyboard.press("ArrowRight")
    assert "Backward 1 of" in said.inner_text()
    assert page.get_attribute("#slider", "aria-valuetext").startswith("Backward 1 of")
    for canvas in page.query_selector_all("canvas"):
        assert canvas.get_attribute("role") == "img"
        assert canvas.get_attribute("aria-label")
    assert page.get_attribute("html", "lang") == "en"
    assert page.title() == "Step by step"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_text_can_be_read_and_nothing_overflows(visit, scheme, width):
    page = visit(
        lambda: expression(), "#step-12",
        viewport={"width": width, "height": 800}, color_scheme=scheme,
    )  # fmt: skip
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    low = page.evaluate("""() => {
      const light = (c) => { const [r, g, b] = c.map((x) => { x /= 255;
        return x <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4; });
        return .2126 * r + .7152 * g + .0722 * b; };
      const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
      const rgba = (css) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = css;
        canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
      const behind = (element) => { for (let e = element; e; e = e.parentElement) {
        const c = rgba(getComputedStyle(e).backgroundColor);
          if (c[3] === 255) return c.slice(0, 3); }
        return rgba(getComputedStyle(document.body).backgroundColor).slice(0, 3); };
      const bad = [];
      for (const e of document.querySelectorAll('body *:not(svg *):not(script):not(noscript)')) {
        const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
        if (!own || e.disabled || e.tagName === 'OPTION' || !e.getClientRects().length) continue;
        const both = [light(rgba(getComputedStyle(e).color)), light(behind(e))];
        const [a, b] = both.sort((x, y) => y - x);
        if ((a + .05) / (b + .05) < 4.5) bad.push(`${e.tagName} ${e.textContent}`);
      }
      return bad;
    }""")
    assert low == []


def test_reduced_motion_is_heeded(visit):
    page = visit(expression(), reduced_motion="reduce")
    seconds = page.evaluate("getComputedStyle(document.querySelector('.box')).transitionDuration")
    assert seconds == "0s"


def test_a_dark_page_paints_its_heat_maps_anew(visit):
    page = visit(network(), "#step-1")
    read = "document.querySelector('canvas').toDataURL()"
    light = page.evaluate(read)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(f"new Promise((done) => setTimeout(() => done({read}), 50))") != light


# What it takes


def test_source_lines_of_a_function(visit, tmp_path):
    page = visit(expression, "#step-3")
    panel = text(page, "#panel")
    assert "line product = a * b" in panel
    assert re.search(r"test_viz_step_page\.py:\d+", panel)
    assert modes.witness is None
    assert "line " not in text(visit(expression(), "#step-3"), "#panel")


def test_another_witness_stays(tmp_path):
    from groundup.engine import detect_anomaly

    with detect_anomaly(), pytest.raises(FloatingPointError):
        viz.step(lambda: Value(0.0).log(), tmp_path / "step.html")


def test_where_no_pass_can_run_the_forward_steps_are_shown(visit):
    with no_grad():
        constant = Value(2.0, name="a") * 3
    many: Any = Tensor([1.0, 2.0], requires_grad=True) * 2.0
    a = Value(2.0, name="a")
    changed = a * a
    a.data = 5.0
    for loss, why in [(constant, "it is a constant"), (many, "pass a seed"), (changed, "changed")]:
        page = visit(loss)
        assert "No backward steps: " in text(page, "#trouble")
        assert why in text(page, "#trouble")
        page.keyboard.press("End")
        assert text(page, "#heading").startswith("Forward")


def test_a_seed(visit, tmp_path):
    x: Any = Tensor([1.0, 2.0], requires_grad=True, name="x")
    path = viz.step(x * 3.0, tmp_path / "seeded.html", seed=[10.0, 20.0])
    page = visit(str(path))
    page.keyboard.press("End")
    assert "30.00 60.00" in text(page, "#panel")
    with pytest.raises(ValueError, match="seed of shape"):
        viz.step(x * 3.0, path, seed=[1.0])


def test_a_limit_and_what_is_no_loss(tmp_path):
    path = tmp_path / "step.html"
    a = Value(1.0)
    with pytest.raises(ValueError, match=r"has 62 steps, and limit=61.* viz\.zoom"):
        viz.step(sum([a] * 20, a), path, limit=61)
    assert not path.exists()
    assert viz.step(sum([a] * 20, a), path, limit=62) == path
    for wrong in (1.0, lambda: 1.0, lambda: (a, a), [a]):
        with pytest.raises(TypeError, match="step through a Value or a Tensor, not"):
            viz.step(wrong, path)  # type: ignore[arg-type]


def test_gradients_are_left_alone_and_pages_are_the_same(tmp_path):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden, self.out = nn.Linear(3, 4), nn.Linear(4, 2)

        def forward(self, x):
            return self.out(relu(self.hidden(x)))

    nn.manual_seed(0)
    net = Net()
    loss = cross_entropy(net(np.ones((5, 3), np.float32)), np.array([0, 1, 0, 1, 0]))
    first = viz.step(loss, tmp_path / "one.html").read_bytes()
    assert viz.step(loss, tmp_path / "two.html").read_bytes() == first
    assert all(parameter.grad is None for parameter in net.parameters())
    assert b"hidden.weight" in first


def test_two_thousand_steps_are_less_than_five_megabytes(tmp_path):
    rng = np.random.default_rng(0)
    w: Any = Tensor(rng.normal(size=(60, 60)) / 9, requires_grad=True)
    h: Any = Tensor(rng.normal(size=(60, 60)), requires_grad=True)
    for _ in range(245):
        h = np.tanh(h @ w + h)
    path = viz.step(h.sum(), tmp_path / "step.html")
    assert path.stat().st_size < 5_000_000
    assert shown(h.data).startswith("(60, 60)")
