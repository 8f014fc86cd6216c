"""Pictures say what they are about, and can be read whatever one bar is like."""

from matplotlib.figure import Figure

from ml.evaluation import plots
from ml.evaluation.plots import Skills


def drawn(monkeypatch, draw) -> Figure:
    """The figure that a function draws."""
    made = []
    image = plots._image

    def kept(figure):
        made.append(figure)
        return image(figure)

    monkeypatch.setattr(plots, "_image", kept)
    content = draw()
    assert content.startswith(b"\x89PNG")
    return made[0]


def test_one_long_bar_is_cut_off_and_says_its_length(monkeypatch):
    models = [
        Skills("linear", {1: 0.02, 7: 0.01, 14: 0.015, 30: -0.01}),
        Skills("lstm", {1: -3.17, 7: -0.02, 14: 0.01, 30: 0.0}),
    ]
    subject = plots.subject("BTC", "simulated")
    (axes,) = drawn(monkeypatch, lambda: plots.skill(models, "naive", subject)).axes
    low, high = axes.get_ylim()
    assert -12 < low < -3
    assert 1.5 < high < 12
    assert [text.get_text() for text in axes.texts] == ["-317"]
    assert axes.get_title() == "BTC (simulated prices)"
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "1 day", "7 days", "14 days", "30 days",
    ]  # fmt: skip
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["linear", "lstm"]


def test_real_prices_need_no_word():
    assert plots.subject("BTC", "files") == "BTC"


def test_nothing_to_show_is_a_picture_too(monkeypatch):
    models = [Skills("ewma", {1: 0.0, 7: 0.0, 14: 0.0, 30: 0.0})]
    (axes,) = drawn(monkeypatch, lambda: plots.skill(models, "naive", "BTC")).axes
    assert not list(axes.texts)
