"""The right side of the screen: the open session, its composer and its drafts."""
