"""`python -m bff` is `bff`."""

from bff.commands import main

main()
