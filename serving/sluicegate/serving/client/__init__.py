"""How steps and people talk to a plane or a cluster: its objects, and its models' answers."""
