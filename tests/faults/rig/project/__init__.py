"""The rig's product: a screen with five parts (two required, three optional) and a few with one, all for guests."""
