"""The web page of the chat, built on Streamlit."""
