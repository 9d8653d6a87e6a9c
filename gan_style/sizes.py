"""Sizes of pictures on which all parts agree."""

READING_SIDE = 288
"""Short side in pixels at which pictures of a style are read, learned from and compared."""
MINIMUM_SIDE = 32
"""The networks take no shorter side, in pixels."""
LONGEST_RATIO = 4
"""Pictures are cut to at most this many times their shorter side before they are read."""
