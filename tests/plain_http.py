"""Requests over plain HTTP, for tests that poll: httpx's own functions, without reading certificates for each request.

That takes 30 ms of a core each time, and a test that waits asks fifty times a second. As with httpx's functions, every
request has a connection of its own, so that a server that was killed meanwhile is no surprise.
"""

import ssl
from functools import partial

import httpx

_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

get = partial(httpx.get, verify=_NO_CERTIFICATES, trust_env=False)
post = partial(httpx.post, verify=_NO_CERTIFICATES, trust_env=False)
client = partial(httpx.Client, verify=_NO_CERTIFICATES, trust_env=False)
