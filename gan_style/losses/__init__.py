"""Losses of training: plain functions of tensors and networks that return single numbers."""
