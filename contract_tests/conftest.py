"""Pact's library would tell its makers of every run; nothing of ours leaves this machine."""

import os

os.environ["PACT_DO_NOT_TRACK"] = "true"
