"""The tests. Test modules import shared helpers as ``tests.name``."""
