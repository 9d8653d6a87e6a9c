"""Models and style codes that lie elsewhere: found by an address, brought here, and kept."""
