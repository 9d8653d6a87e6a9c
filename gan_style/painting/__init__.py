"""From a photo of any size to its painting: in which size and tiles, and whole files in and out."""
