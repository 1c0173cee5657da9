"""The directive ``drawn`` shows what the examples of a page draw."""

import pytest

drawn = pytest.importorskip("drawn", reason="Sphinx is not installed; `tox -e docs` runs this test")

PAGE = """
>>> from channelplans import suggest_channels
>>> from channelplans.explore import charts
>>> ax = charts.plot_blocking(suggest_channels({employees}))
"""


def test_draw_returns_the_picture_of_the_latest_axes():
    """A later ``ax`` replaces an earlier one."""
    small, large = PAGE.format(employees=30), PAGE.format(employees=300)
    picture = drawn.draw(small)

    assert picture.startswith(b"\x89PNG")
    assert picture != drawn.draw(small + large) == drawn.draw(large)


def test_draw_leaves_no_figure():
    """A page with many pictures does not keep them all in memory."""
    drawn.draw(PAGE.format(employees=30))

    assert [] == drawn.plt.get_fignums()


@pytest.mark.parametrize(
    ("page", "message"), [("No examples.", "have no `ax`"), (">>> 1 + 1\n3\n", "Expected")]
)
def test_draw_refuses_a_page_without_axes_and_wrong_examples(page, message):
    """The build fails, and says what is missing or which example is wrong."""
    with pytest.raises(ValueError, match=message):
        drawn.draw(page)
