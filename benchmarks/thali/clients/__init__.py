"""One stub service a file."""
