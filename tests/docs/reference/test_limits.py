"""docs/reference/limits.md names every limit with its default, and so do the other places that write them down."""

import re
import tomllib

import pytest
from support.paths import DOCS

from botchat.commands import config
from botchat.commands.support import standard_input
from botchat.core.auth import passwords
from botchat.core.bots import http_client
from botchat.core.bots.stream import body, size_limit
from botchat.core.models import attachments, validation
from botchat.core.models.import_limits import ImportLimits, UploadLimits
from botchat.core.storage import records
from botchat.settings import ApiSettings, LimitSettings, Settings
from botchat.settings.loading import MAX_CONFIG_BYTES
from botchat.web import import_worker
from botchat.web.auth import pages
from botchat.web.markdown import escape, formulas

LIMITS = (DOCS / "reference" / "limits.md").read_text(encoding="utf-8")
MODELS = {"api": ApiSettings, "limits": LimitSettings, "imports": ImportLimits, "web.imports": UploadLimits}
FIXED = [
    records.MAX_MESSAGE_BYTES,
    size_limit.MAX_REPLY_BYTES,
    size_limit.MAX_DELTAS,
    body.MAX_VALUE_BYTES,
    http_client.MAX_BYTES,
    http_client.MAX_ERROR_BYTES,
    attachments.MAX_FILE_BYTES,
    attachments.MAX_FILES,
    validation.NAME_LIMIT,
    validation.SYSTEM_LIMIT,
    validation.PARAMS_LIMIT,
    validation.TAGS_LIMIT,
    validation.TAG_LIMIT,
    standard_input.MAX_INPUT_BYTES,
    MAX_CONFIG_BYTES,
    pages._MAX_FORM_BYTES,
    passwords._MAX_CONCURRENT,
    import_worker.WORKER._slots._initial_value,
    formulas.MAX_SIZE_EM,
    escape.MAX_MARKDOWN_LENGTH,
]


def defaults(table: str) -> dict:
    """The values of a table in the settings, as JSON has them."""
    found = Settings().model_dump(mode="json")
    for name in table.split("."):
        found = found[name]
    return found


def rows(heading: str) -> list[list[str]]:
    """The rows of the table below a heading of docs/reference/limits.md."""
    section = LIMITS.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]


@pytest.mark.parametrize("table", MODELS)
def test_the_reference_names_every_setting_with_its_default(table):
    written = {row[0].strip("`"): tomllib.loads(f"x = {row[1].strip('`')}")["x"] for row in rows(f"`[{table}]`")[2:]}
    assert written == defaults(table)


def test_the_reference_has_every_table_of_limits():
    tables = re.findall(r"^## `\[([a-z.]+)\]`$", LIMITS, re.MULTILINE)
    assert tables == list(MODELS)


def test_the_reference_names_the_fixed_limits():
    assert [int(row[1].replace(",", "")) for row in rows("Fixed limits")[2:]] == FIXED


@pytest.mark.parametrize("table", MODELS)
def test_the_first_config_file_names_them_with_their_defaults(table):
    section = config._TEMPLATE.partition(f"\n#[{table}]\n")[2].partition("\n\n")[0]
    written = tomllib.loads(re.sub("^#", "", section, flags=re.MULTILINE))
    assert written == defaults(table)


@pytest.mark.parametrize(
    ("page", "table"), [("build/api.md", "api"), ("admin/serve.md", "limits"), ("admin/sign_in.md", "limits")]
)
def test_examples_of_other_pages_name_the_defaults(page, table):
    blocks = re.findall(rf"```toml\n\[{table}\]\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        written = tomllib.loads(block)
        written.pop("proxies", None)  # written without the lengths of the prefixes
        assert written == {name: defaults(table)[name] for name in written}
