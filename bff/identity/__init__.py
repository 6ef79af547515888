"""Who calls: the proofs a request can carry, each checked in a file of its own."""
