"""The operator's validating webhook: reviews, the HTTPS door they come through, and the certificates of that door.

Rules are ``serving.reconcile.reviews``'s, the same as the embedded API's. Every replica answers; nothing here needs the
leader.
"""
