"""Sending only the passages of a long input that its answer needs: learned from examples, with the recall certified."""
