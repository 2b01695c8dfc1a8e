"""Measurements, run by hand: figures come from here, never from tests."""
