"""`bff new backend --openapi|--proto`: from a service's own description to its client and the client's test.

A description is read into the few shapes of shapes.py (openapi.py with schemas.py, or proto.py), and these are written as
Python (client.py, tests.py). What cannot be generated is named, never guessed.
"""
