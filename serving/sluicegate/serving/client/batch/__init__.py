"""Predictions of whole files: rows are read, asked in requests, and their answers written down once each."""
