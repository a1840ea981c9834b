"""Recording of the commands that a MongoDB client sends."""

import bson
from pymongo.monitoring import CommandListener


class Sent(CommandListener):
    """Records what a client sends."""

    def __init__(self):
        self.commands = []

    def started(self, event):
        self.commands.append((event.command_name, len(bson.encode(event.command))))

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass

    def by(self, call, *arguments):
        self.commands = []
        call(*arguments)
        return [name for name, _ in self.commands]
