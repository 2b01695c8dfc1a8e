"""Executes an inference graph: a pure plan of stages, and its execution fused in one process."""
