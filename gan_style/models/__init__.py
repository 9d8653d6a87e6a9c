"""The networks that are trained, and the frozen ones through which pictures are compared."""
