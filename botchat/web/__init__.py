"""The chat as a web page, on Streamlit."""
