"""The script that Streamlit runs for every visit and click. It only calls `views.main`, which is imported once."""

from botchat.web.views import main

main.show()
