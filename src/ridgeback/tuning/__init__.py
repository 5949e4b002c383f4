"""Choosing a model's parameters: where they are searched."""
