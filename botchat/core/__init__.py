"""The chat itself: sessions, stores, bots and turns, for every front end."""
