"""The script that Streamlit runs for every visit and click; all that it does is in `views.main`, imported once."""

from botchat.web.views import main

main.show()
