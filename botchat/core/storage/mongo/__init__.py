"""The store on MongoDB: one document per session, older messages of long sessions in blocks."""
