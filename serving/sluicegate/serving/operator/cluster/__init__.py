"""The API server as the operator sees it: requests, complete and current caches, the leader's lease."""
