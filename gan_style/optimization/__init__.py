"""The optimization method of Gatys et al. (2016): a painting's pixels are the parameters."""
