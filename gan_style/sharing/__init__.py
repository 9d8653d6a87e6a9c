"""Models and styles for other programs and other people: exported, pushed, embedded."""
