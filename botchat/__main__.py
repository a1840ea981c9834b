"""The command `botchat`."""

import sys


def main() -> None:
    """Run the command line; `--version` is answered before anything is imported for it."""
    if sys.argv[1:] == ["--version"]:
        from botchat import __version__

        sys.stdout.write(f"botchat {__version__}\n")
        return
    from botchat.cli import run

    run()


if __name__ == "__main__":
    main()
