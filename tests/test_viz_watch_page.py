"""The page of `viz.watch` in a browser, from the disk, as its reader opens it."""

import io

import numpy as np
import pytest

from groundup import models, nn, viz
from groundup.engine import Value
from groundup.viz.summary import number

HOSTILE = [
    "<script>hacked = 1</script>", '</script><img src=x onerror="hacked = 1">', "__proto__",
    "javascript:hacked=1//", "quote\" ' & |{} \\N", "two\nlines", "\u202eturned", "😀 שלום", "10",
]  # fmt: skip


@pytest.fixture
def opened(browser):
    """Opens the page of a folder; an error in it, and a request that fails, fail the test."""
    made, errors = [], []

    def open_page(folder, address="", **settings):
        page = browser.new_page(**settings)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text))
        made.append(page)
        page.goto(f"{(folder / 'index.html').as_uri()}{address}")
        return page

    yield open_page
    for page in made:
        page.close()
    assert [error for error in errors if "ERR_FILE_NOT_FOUND" not in error] == []


def learning(folder, steps=6, **options):
    """A small MLP that learns, watched; for each pass its loss, norm and norms by module."""
    nn.manual_seed(0)
    model = models.MLP([3, 8, 1], activation="tanh").to(np.float64)
    x = np.random.default_rng(0).normal(size=(4, 3))
    told = []
    with viz.watch(folder, quiet=True, **options):
        for _ in range(steps):
            model.zero_grad()
            loss = np.mean((model(x) - 1) ** 2)
            loss.backward()
            grads = [np.ravel(p.grad) for p in model.parameters()]
            norms = [float(np.linalg.norm(np.concatenate(grads[i : i + 2]))) for i in (0, 2)]
            told.append((loss.item(), nn.clip_grad_norm_(model.parameters(), 1e9), norms))
            for parameter in model.parameters():
                parameter.data -= 0.1 * parameter.grad
    return told


def shown(page):
    """(pass, loss, norm) and the norms by module, as they can be read."""
    now = [b.inner_text() for b in page.locator("#now b").all()]
    return now, [span.inner_text() for span in page.locator("td.norm > span").all()]


def picture(page, name):
    """Wait until this picture is there."""
    image = page.locator(f"#frame img[src='{name}']")
    image.wait_for()
    assert image.evaluate("image => image.naturalWidth") > 0
    return image


def test_every_pass_has_the_numbers_of_the_engine(tmp_path, opened):
    told = learning(tmp_path)
    page = opened(tmp_path, "#1")
    for i, (loss, norm, norms) in enumerate(told, 1):
        assert shown(page) == ([str(i), number(loss), number(norm)], [number(n) for n in norms])
        assert page.locator("#where").inner_text() == f"{i} / 6"
        picture(page, f"000{i}.svg")
        page.keyboard.press("ArrowRight")
    assert [row.inner_text() for row in page.locator("tbody th").all()] == ["layers.0", "layers.1"]
    assert shown(page)[0][0] == "6"  # and no further
    assert page.locator("#next").is_disabled()


def test_keys_slider_buttons_and_curves_move_through_time(tmp_path, opened):
    learning(tmp_path)
    page = opened(tmp_path)
    where = page.locator("#where")
    assert where.inner_text() == "6 / 6"  # the latest, unless the address says another
    page.keyboard.press("Home")
    assert where.inner_text() == "1 / 6"
    page.locator("#next").click()
    page.keyboard.press("ArrowRight")
    assert where.inner_text() == "3 / 6"
    page.locator("#previous").click()
    assert where.inner_text() == "2 / 6"
    slider = page.locator("#time")
    slider.focus()
    page.keyboard.press("ArrowRight")  # the slider's own, and once
    assert where.inner_text() == "3 / 6"
    assert slider.get_attribute("aria-valuetext") == "pass 3 of 6"
    page.keyboard.press("End")
    assert where.inner_text() == "6 / 6"
    page.wait_for_url("**/index.html#6")

    for curve in ("#loss", "#norm", "tbody tr:nth-child(2) .curve"):
        host = page.locator(curve)
        box = host.locator("svg").bounding_box()
        inset = host.evaluate("host => parseFloat(getComputedStyle(host.firstChild).paddingLeft)")
        at = {"x": inset + (box["width"] - inset) * 0.41, "y": box["height"] / 2}
        host.locator("svg").click(position=at)
        assert where.inner_text() == "3 / 6"
        page.keyboard.press("End")


def test_it_plays_to_the_end(tmp_path, opened):
    learning(tmp_path, steps=3)
    page = opened(tmp_path)
    page.keyboard.press("Space")
    page.get_by_text("Pause").wait_for()
    assert page.locator("#where").inner_text() == "1 / 3"
    page.get_by_text("2 / 3").wait_for()
    page.get_by_role("button", name="Play").wait_for()
    assert page.locator("#where").inner_text() == "3 / 3"


def test_it_follows_what_is_written_meanwhile(tmp_path, opened):
    learning(tmp_path, steps=1)
    page = opened(tmp_path)
    page.locator("#follow").check()
    learning(tmp_path, steps=2)
    page.get_by_text("3 / 3").wait_for()
    assert page.locator("#follow").is_checked()
    assert "3 passes of 2 runs" in page.locator("#about").inner_text()
    assert page.locator("#loss line.run").count() == 1


@pytest.mark.parametrize("factors", [(1e300, 1e300), (1e308, -1e308)])
def test_numbers_of_any_size_have_a_curve(tmp_path, opened, factors):
    with viz.watch(tmp_path, quiet=True):
        for factor in factors:
            (Value(1.0, name="w") * factor).backward()
    curve = opened(tmp_path).locator("#loss path").get_attribute("d")
    assert "NaN" not in curve
    assert curve.count("L") == 1


def test_hostile_names_are_text(tmp_path, opened):
    leaves = [Value(1.0, name=name) for name in HOSTILE]
    with viz.watch(tmp_path, quiet=True):
        sum((leaf * float("nan") for leaf in leaves), Value(0.0)).backward()
    page = opened(tmp_path)
    shown_names = [row.inner_text() for row in page.locator("tbody th").all()]
    assert shown_names == [
        *(name.replace("\n", "↵").replace("\u202e", "�") for name in HOSTILE),
        "leaves without a name",
    ]
    wrong = page.locator("#wrong").inner_text()
    assert wrong.startswith(f"The gradient is NaN in {HOSTILE[0]}, {HOSTILE[1]}")
    assert page.locator("#frame img").count() == 1
    assert page.locator("main img, main script").count() == 1
    assert page.evaluate("typeof hacked") == "undefined"


def test_no_script_but_its_own_may_run(tmp_path, browser):
    learning(tmp_path, steps=1)
    with (tmp_path / "index.html").open("a", encoding="utf-8") as file:
        file.write("</script><script>hacked = 1</script>")
    page, said = browser.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.goto((tmp_path / "index.html").as_uri())
    assert page.evaluate("typeof hacked") == "undefined"
    assert any("Content Security Policy" in one for one in said)
    assert page.locator("#where").inner_text() == "1 / 1"
    page.close()


def test_pictures_that_were_not_drawn_or_not_kept_are_said(tmp_path, opened):
    learning(tmp_path, steps=6, every=2, keep=1)
    page = opened(tmp_path)
    picture(page, "0003.svg")
    assert page.locator("#which").inner_text() == "0003.svg, of pass 5: this one was not drawn"
    page.keyboard.press("ArrowLeft")
    assert page.locator("#which").inner_text() == "0003.svg"
    page.keyboard.press("Home")
    page.get_by_text("This picture was not kept.").wait_for()
    assert shown(page)[0][0] == "1"  # its numbers are there


def test_a_pass_that_broke_says_why(tmp_path, opened):
    a = Value(2.0, name="a")
    with viz.watch(tmp_path, quiet=True):
        (a * a).backward()
        b = a * a
        a.data = 3.0
        with pytest.raises(RuntimeError):
            b.backward()
    page = opened(tmp_path)
    assert (
        "This backward pass stopped: the data of Value 'a'" in page.locator("#wrong").inner_text()
    )
    assert page.locator("#wrong").get_attribute("class") == "alarm"
    assert page.locator("#loss line.mark").count() == 1
    assert shown(page) == (["2", "4.000", "–"], ["–"])
    page.keyboard.press("ArrowLeft")
    assert page.locator("#wrong").inner_text() == ""


def test_a_line_cut_short_by_a_crash_is_left_out(tmp_path, opened):
    learning(tmp_path, steps=2)
    with (tmp_path / "index.html").open("a", encoding="utf-8") as file:
        file.write('\n{"run":1,"pass":3,"lo')
    assert opened(tmp_path).locator("#where").inner_text() == "2 / 2"


def test_the_picture_is_light_or_dark_as_the_page_is(tmp_path, opened):
    imread = pytest.importorskip("matplotlib.image").imread
    learning(tmp_path, steps=1)
    for scheme in ("light", "dark"):
        page = opened(tmp_path, color_scheme=scheme)
        image = picture(page, "0001.svg")
        light = imread(io.BytesIO(image.screenshot()))[3, 3, :3].mean()
        assert (light > 0.9) if scheme == "light" else (light < 0.2)


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_sticks_out(tmp_path, opened, width):
    learning(tmp_path)
    page = opened(tmp_path, viewport={"width": width, "height": 800})
    picture(page, "0006.svg")
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_ten_thousand_passes_open(tmp_path, opened):
    learning(tmp_path, steps=1)
    page = tmp_path / "index.html"
    head, _, line = page.read_text(encoding="utf-8").rpartition("\n")
    lines = [line.replace('"pass":1,', f'"pass":{i},') for i in range(1, 10_001)]
    page.write_text("\n".join([head, *lines]), encoding="utf-8")
    assert opened(tmp_path).locator("#where").inner_text() == "10000 / 10000"
