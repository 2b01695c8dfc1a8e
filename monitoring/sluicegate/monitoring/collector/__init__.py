"""The process that takes in the request log and samples the gateway, keeps what follows, and tells it to who asks."""
