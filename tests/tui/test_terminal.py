"""The program on a real terminal: start, exit, signals, and recovery at the next start."""

import signal
import subprocess
import sys

import pytest
from support.shell import Shell
from support.stores.servers import Mongod
from support.tui.terminal import PATIENCE, on_terminal


@pytest.mark.parametrize("arguments", [(), ("tui",)])
def test_it_opens_on_a_terminal_and_ctrl_q_leaves(local_shell, arguments):
    with on_terminal(local_shell, *arguments) as terminal:
        terminal.sees("No chats yet.")
        terminal.type("\x11")
        assert terminal.ends() == 0


def test_without_a_terminal_a_bare_botchat_prints_short_help(local_shell):
    done = local_shell.run()
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: botchat" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_terminal_the_chat_says_so(local_shell):
    done = local_shell.run("tui")
    assert done.returncode == 2
    assert done.stderr == "botchat: `botchat tui` needs a terminal. Use `botchat ask` for one question.\n"


def test_a_session_that_is_not_there_is_an_error_with_its_exit_code(local_shell):
    with on_terminal(local_shell, "tui", "--session", "nope nope") as terminal:
        assert terminal.ends() == 3
        assert "Session 'nope nope' not found." in terminal.text


def test_mistakes_in_the_config_are_told_before_anything_is_drawn(local_shell):
    for text, expected in [
        ('[tui]\ntheme = "drak"\n', "tui.theme: unknown theme 'drak'. Available themes:"),
        ('[tui.keys]\npni = "x"\n', "tui.keys.pni is unknown. Did you mean pin?"),
    ]:
        local_shell.configure(text)
        with on_terminal(local_shell, "tui") as terminal:
            assert terminal.ends() == 2
            assert expected in terminal.text


def test_a_killed_program_has_lost_neither_the_draft_nor_what_came_of_the_reply(shell, repository_at):
    with on_terminal(shell, "tui") as terminal:
        terminal.sees("No chats yet.")
        terminal.type("slow\r")
        terminal.sees("sentence 2")
        terminal.type("half a thought")
        terminal.sees("thought")
        terminal.sees("sentence 6")  # the draft is written shortly after it was typed
        terminal.process.send_signal(signal.SIGKILL)
        terminal.process.wait()
    with on_terminal(shell, "tui", "-c") as terminal:
        terminal.sees("half a thought")
        terminal.sees("sentence 2")
        terminal.sees("“slow”, last active")
    (summary,) = repository_at.page("ann").sessions
    assert [message.role for message in repository_at.get("ann", summary.id).messages] == ["user", "assistant"]


@pytest.mark.parametrize(("end", "code"), [("\x11", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_leaving_in_the_middle_of_a_reply_keeps_what_came_as_interrupted(local_shell, end, code):
    from botchat.bootstrap import build_repository

    with on_terminal(local_shell, "tui") as terminal:
        terminal.sees("No chats yet.")
        terminal.type("slow\r")
        terminal.sees("sentence 2")
        terminal.type(end) if isinstance(end, str) else terminal.process.send_signal(end)
        assert terminal.ends() == code
    repository = build_repository(local_shell.store)
    repository.prepare()
    (summary,) = repository.page("ann").sessions
    answer = repository.get("ann", summary.id).messages[-1]
    repository.close()
    assert answer.status == "interrupted"
    assert "sentence 2" in answer.content


def test_closing_the_terminal_in_the_middle_of_a_reply_ends_the_program_and_keeps_the_reply(local_shell):
    from botchat.bootstrap import build_repository

    with on_terminal(local_shell, "tui") as terminal:
        terminal.sees("No chats yet.")
        terminal.type("long\r")
        terminal.sees("Demo bot")
        terminal.close()
        assert terminal.process.wait(PATIENCE) == 129
    repository = build_repository(local_shell.store)
    repository.prepare()
    (summary,) = repository.page("ann").sessions
    answer = repository.get("ann", summary.id).messages[-1]
    repository.close()
    assert answer.status != "streaming"
    assert "Demo bot" in answer.content


def test_a_server_that_stops_and_comes_back_loses_no_word(tmp_path, own_mongod: Mongod):
    shell = Shell(tmp_path, f"{own_mongod.uri}/chats?serverSelectionTimeoutMS=500")
    with on_terminal(shell, "tui") as terminal:
        terminal.sees("No chats yet.")
        own_mongod.stop()
        terminal.type("hello\r")
        terminal.sees("Couldn't send: Can't reach MongoDB at")
        own_mongod.start()
        terminal.type("\r")
        terminal.sees("Demo bot")
        terminal.type("\x11")
        assert terminal.ends() == 0
    assert "hello" in shell.run("sessions", "show", "@last").stdout


def test_the_openai_client_is_not_loaded_before_the_first_message():
    look = "import sys, botchat.tui.launcher; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert {"openai", "pymongo", "streamlit", "fastapi"} & set(done.stdout.split()) == set()


def test_lines_pasted_without_marks_are_inserted_and_none_is_sent(local_shell):
    from botchat.bootstrap import build_repository

    with on_terminal(local_shell, "tui") as terminal:
        terminal.sees("No chats yet.")
        terminal.type("alpha one\rbeta two\rgamma three")
        terminal.sees("gamma three")
        terminal.type("\x1b[27;2;13~")  # Shift+Enter in xterm
        terminal.type("\u3000delta")
        terminal.sees("delta")
        terminal.type("\r")
        terminal.sees("Demo bot")
        terminal.type("\x11")
        assert terminal.ends() == 0
    repository = build_repository(local_shell.store)
    repository.prepare()
    (summary,) = repository.page("ann").sessions
    sent = repository.get("ann", summary.id).messages[0].content
    repository.close()
    assert sent == "alpha one\nbeta two\ngamma three\n\u3000delta"


def test_ctrl_g_opens_the_own_editor_and_leaving_says_how_to_come_back(local_shell, tmp_path):
    script = tmp_path / "editor.py"
    script.write_text("import sys, pathlib\np = pathlib.Path(sys.argv[1])\np.write_text(p.read_text() + ' by hand')\n")
    local_shell.environment["EDITOR"] = f"{sys.executable} {script}"
    with on_terminal(local_shell, "tui") as terminal:
        terminal.sees("No chats yet.")
        terminal.type("written")
        terminal.sees("written")
        terminal.type("\x07")
        terminal.sees("written by hand")
        terminal.type("\r")
        terminal.sees("Demo bot")
        terminal.type("\x11")
        assert terminal.ends() == 0
        assert "To resume this chat: botchat tui --session " in terminal.text
