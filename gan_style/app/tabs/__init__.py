"""The tabs of the page, a module each: what is on it, and what happens when it is used."""
