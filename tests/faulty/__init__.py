"""One bad screen a module, each refused at start; test_refusals.py says with which words."""
