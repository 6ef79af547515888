"""The fault rig: real backends that misbehave on command, a real gateway, open-loop load, and numbers to pass."""
