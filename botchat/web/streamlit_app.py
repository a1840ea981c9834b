"""The script that Streamlit runs for every visit and click; all that it does is in `views/main.py`, which is imported once."""

from botchat.web.views import main

main.show()
