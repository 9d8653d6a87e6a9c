"""Videos: whole ones in and out, painted so that they do not flicker. Needs the extra `video`."""
