"""Unsupported content: kept raw in a reply, in the store and in an export."""

import pytest

from botchat.core.models import Delta, Message, Unsupported, pack, unpack, unsupported_notices
from botchat.core.storage import message_from_record, message_to_record, text_fields
from botchat.core.storage.json_codec import message_to_json
from botchat.core.turn import Reply

IMAGE = Unsupported("image", {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}})


def test_pieces_are_read_back_as_they_were_written():
    assert unpack(pack([IMAGE, IMAGE])) == [IMAGE, IMAGE]
    assert pack([]) is None


@pytest.mark.parametrize("payload", [None, "", '{"chatgpt": []}', '{"unsupported": 7}', '{"unsupported": [1', "[]"])
def test_payloads_of_others_hold_no_pieces(payload):
    assert unpack(payload) == []


def test_a_kind_of_several_lines_is_named_in_one():
    assert unsupported_notices(pack([Unsupported("tool\ncall", {})])) == ["Unsupported content: tool call"]


def test_a_later_state_of_a_piece_replaces_an_earlier_one():
    reply = Reply("ann", "s")
    for arguments in ('{"q', '{"q": 1}'):
        reply.add(Delta(unsupported=Unsupported("tool call", {"arguments": arguments}, "call 0")))
    reply.add(Delta(unsupported=IMAGE))
    assert [piece.raw for piece in unpack(reply.message.payload)] == [{"arguments": '{"q": 1}'}, IMAGE.raw]


@pytest.mark.parametrize("content", ["plain", "half \ud83d of a character"])
def test_pieces_and_words_that_are_no_unicode_are_kept_beside_each_other(content):
    message = Message(role="assistant", content=content, payload=pack([IMAGE]))
    record = message_to_record(message)
    record["content"].encode()
    assert message_from_record(record) == message
    exported = message_to_json(record)
    assert (exported["content"], unpack(exported["payload"])) == (content, [IMAGE])
    imported = exported | text_fields(exported) | {"create_time": message.create_time}
    assert message_from_record(imported) == message
