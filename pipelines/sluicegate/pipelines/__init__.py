"""Steps composed, and every way to set them in motion; the outermost room, where everything is put together."""
