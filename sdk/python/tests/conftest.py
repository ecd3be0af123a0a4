"""Fixtures of all tests."""

from network import running_network

__all__ = ["running_network"]
