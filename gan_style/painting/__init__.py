"""Whole picture files taken apart for painting, and put together again around the painting."""
