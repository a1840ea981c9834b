"""The files for containers and systemd: what can be checked of them without a container engine."""

import json
import re
import shutil
import subprocess

import pytest
import yaml
from support.paths import DOCS, ROOT

from botchat.settings import load_settings

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PAGE = (DOCS / "admin" / "serve.md").read_text(encoding="utf-8")

INSTRUCTIONS = {
    *("ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK"),
    *("LABEL", "RUN", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
}
"""Those of https://docs.docker.com/reference/dockerfile/ but ADD, MAINTAINER, ONBUILD and SHELL."""


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile and their arguments, continued lines joined."""
    lines = [
        line for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


@pytest.fixture
def last_stage():
    found = instructions()
    start = max(number for number, (name, _) in enumerate(found) if name == "FROM")
    return found[start:]


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def test_the_image_has_known_instructions_and_pinned_bases():
    found = instructions()
    assert found[0][0] == "FROM"
    assert {name for name, _ in found} <= INSTRUCTIONS
    for name, rest in found:
        if name == "FROM":
            assert re.match(r"[\w./-]+:\d[\w.-]+(?: AS \w+)?$", rest), rest
        if name in {"CMD", "ENTRYPOINT"}:  # a shell in between would keep the signals to itself
            assert isinstance(json.loads(rest), list)


def test_the_image_has_what_it_copies_and_its_context_has_no_more():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = set()
    for name, rest in instructions():
        if name == "COPY" and not rest.startswith("--from"):
            copied |= set(rest.split()[:-1])
    assert "*" in ignored
    assert copied == allowed
    assert {path for path in copied if not (ROOT / path).exists()} == set()


def test_the_image_runs_as_a_user_without_rights_and_tells_its_health(last_stage):
    users = [rest for name, rest in last_stage if name == "USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])
    assert last_stage.index(("USER", users[-1])) < min(
        number for number, (name, _) in enumerate(last_stage) if name in {"ENTRYPOINT", "CMD"}
    )
    ((_, check),) = [each for each in last_stage if each[0] == "HEALTHCHECK"]
    command = json.loads(check.partition(" CMD ")[2])
    compile(command[-1], "HEALTHCHECK", "exec")
    assert ("VOLUME", "/data") in last_stage


def test_the_containers_have_a_read_only_root_and_no_capabilities(compose):
    for name in ("web1", "web2", "api1", "api2"):
        service = compose["services"][name]
        assert service["read_only"] is True
        assert (service["cap_drop"], service["tmpfs"]) == (["ALL"], ["/tmp"])
        assert "data:/data" in service["volumes"]
        assert "ports" not in service
        assert set(service["environment"]) >= {"BOTCHAT_STORE", "BOTCHAT_SIGNING_KEY", "BOTCHAT_HEALTH"}


def test_only_the_proxy_is_published_and_only_on_this_machine(compose):
    published = {name: each["ports"] for name, each in compose["services"].items() if "ports" in each}
    assert published == {"nginx": ["127.0.0.1:8500:8500", "127.0.0.1:8600:8600"]}
    assert compose["networks"]["store"]["internal"] is True
    databases = [each for name, each in compose["services"].items() if name.startswith("mongo")]
    assert [each["networks"] for each in databases] == [["store"]] * 3


def test_the_services_refer_to_what_there_is(compose):
    services = compose["services"]
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        assert set(service["networks"]) <= set(compose["networks"])
        assert service["image"] == "botchat" or re.search(r":\d", service["image"])
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert (ROOT / source).is_file() if source.startswith(".") else source in compose["volumes"]
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy" and services[needed]["image"] != "botchat":
                assert "healthcheck" in services[needed]
    members = re.search(r"mongodb://([\w,]+)/", services["web1"]["environment"]["BOTCHAT_STORE"])[1]
    assert set(members.split(",")) == {name for name in services if name.startswith("mongo")}


def test_the_config_of_the_containers_can_be_used_and_trusts_their_proxy(compose):
    settings = load_settings({"BOTCHAT_CONFIG": str(DEPLOY / "config.toml")})
    (subnet,) = compose["networks"]["front"]["ipam"]["config"]
    assert settings.web.sign_in == "password"
    assert [str(each) for each in (*settings.web.proxies, *settings.api.proxies)] == [subnet["subnet"]] * 2


def test_the_proxy_of_the_containers_has_the_lines_of_the_page():
    lines = re.search(r"```nginx\n(map .*?)```", PAGE, re.DOTALL)[1].replace("listen 127.0.0.1:", "listen ")
    places = {"8601": "api1:8600", "8602": "api2:8600", "8501": "web1:8501", "8502": "web2:8501"}
    for port, place in places.items():
        lines = lines.replace(f"127.0.0.1:{port}", place)
    assert (DEPLOY / "nginx.conf").read_text(encoding="utf-8").partition("\n")[2] == lines


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_a_unit_is_one_that_systemd_takes(unit, tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    text = unit.read_text(encoding="utf-8")
    there = text.replace("/opt/botchat/bin/botchat", "/bin/echo").replace(
        "=botchat\nGroup=botchat", "=root\nGroup=root"
    )
    assert there.count("/bin/echo") == 1
    (tmp_path / unit.name).write_text(there)
    instance = tmp_path / unit.name.replace("@", "@8501")
    done = subprocess.run(["systemd-analyze", "verify", instance], capture_output=True, text=True, check=False)
    if "Failed to" in done.stderr and "manager" in done.stderr:
        pytest.skip(f"systemd-analyze can't run here: {done.stderr}")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_units_differ_only_in_what_they_serve():
    texts = {unit.stem.removesuffix("@").removeprefix("botchat-"): unit.read_text(encoding="utf-8") for unit in UNITS}
    assert set(texts) == {"api", "web"}
    settings = {
        name: [
            line for line in text.splitlines() if "=" in line and not line.startswith(("#", "Description", "ExecStart"))
        ]
        for name, text in texts.items()
    }
    assert settings["api"] == settings["web"]
    for name, text in texts.items():
        assert f"ExecStart=/opt/botchat/bin/botchat {name} --port %i\n" in text
