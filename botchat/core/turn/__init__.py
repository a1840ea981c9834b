"""The chat turn: store the user's message, send the request, stream and store the reply, then run the follow-ups."""
