"""A packaged model: its manifest, how it is written in one stroke, read again, proven, and where bundles lie."""
