"""The rig's screens."""
