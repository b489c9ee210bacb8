"""Compiled handlers."""
