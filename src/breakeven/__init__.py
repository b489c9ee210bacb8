"""Breakeven: AI unit economics."""

__version__ = "0.1.0"
