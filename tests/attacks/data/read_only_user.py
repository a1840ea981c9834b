"""Reading requires write permission: a MongoDB user with the role `read` can't list sessions."""

import pymongo
from support.attack import Refused, Target, run

PASSWORD = "geheim-4711"


def attack(target: Target) -> str:
    server = target.mongod("--auth")
    place = f"127.0.0.1:{server.port}"
    with pymongo.MongoClient(server.uri) as client:  # from this machine the first user can be made without a password
        client.admin.command("createUser", "root", pwd=PASSWORD, roles=["root"])
    with pymongo.MongoClient(f"mongodb://root:{PASSWORD}@{place}/admin") as client:
        roles = [{"role": "read", "db": "botchat"}]
        client.admin.command("createUser", "reader", pwd=PASSWORD, roles=roles)
    target.environment["BOTCHAT_STORE"] = f"mongodb://root:{PASSWORD}@{place}/botchat?authSource=admin"
    target.succeed("ask", "-b", "demo", "Hello")
    target.environment["BOTCHAT_STORE"] = f"mongodb://reader:{PASSWORD}@{place}/botchat?authSource=admin"
    done = target.run("sessions", "list")
    if done.returncode:
        return f"reading needs the right to write: {done.stderr}"
    raise Refused("a user with the role `read` lists sessions")


run(attack)
