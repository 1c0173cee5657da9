"""The room frames needs narwhals, and says so."""

import sys
from importlib import import_module

import pytest


def test_frames_without_narwhals_say_what_to_install(monkeypatch):
    """The error names the extra, and keeps the original error as its cause."""
    loaded = [name for name in sys.modules if name.startswith(("channelplans.frames", "narwhals"))]
    for name in loaded:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "narwhals", None)

    with pytest.raises(ImportError, match=r'pip install "channelplans\[frames\]"') as caught:
        import_module("channelplans.frames")

    assert "narwhals" == caught.value.name
    assert isinstance(caught.value.__cause__, ImportError)
