"""Export and import on the page: download links, and an upload form with a report."""

from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.errors import BotchatError
from botchat.core.exporting import one_line
from botchat.core.importing import SessionImporter, read_sessions, unsupported_sentence
from botchat.core.models import Session, SkippedEntry
from botchat.core.models.import_limits import ImportLimits
from botchat.web import cache, runtime
from botchat.web.import_worker import WORKER
from botchat.web.markdown.escape import escape

_OF_ONE = {"md": "Markdown", "html": "HTML", "json": "JSON"}
_OF_ALL = {"jsonl": "JSON Lines", "html": "HTML", "md": "Markdown", "json": "JSON", "csv": "CSV"}
_REASONS_SHOWN = 100


@dataclass(kw_only=True, slots=True)
class ImportReport:
    """The result of an import.

    Attributes:
        file_id: identifies the upload, so that it isn't imported twice.
        file_name: the name of the uploaded file.
        imported: how many sessions were imported.
        existing: how many were in the store already, and stay as they are.
        expiry_cleared: how many had an expiry time in the past, which was removed.
        refused_count: how many were refused.
        unsupported: how many imported messages have content that can't be shown.
        refused: the first 100 of the refused ones.
        error: why the import ended early, if it did.
    """

    file_id: str
    file_name: str
    imported: int = 0
    existing: int = 0
    expiry_cleared: int = 0
    refused_count: int = 0
    unsupported: int = 0
    refused: list[SkippedEntry] = field(default_factory=list)
    error: str = ""


def session_export_links(session: Session) -> None:
    """Show the buttons that download a session, one for each format."""
    for form, label in _OF_ONE.items():
        _download_link(label, width="stretch", disabled=not session.rev, form=form, session=session.id)


def export_links() -> None:
    """Show the buttons that download all of the user's sessions except the trash, one for each format."""
    with st.container(horizontal=True):
        for form, label in _OF_ALL.items():
            _download_link(label, form=form)
    st.caption("JSON Lines and JSON hold everything, and can be imported again. What is in the trash is left out.")


def import_form(user: str) -> None:
    """Show the upload form, and the report of the last import. All imported sessions become this user's."""
    uploaded = st.file_uploader(
        "A file that botchat, ChatGPT, DeepSeek, LibreChat or Open WebUI exported",
        type=["json", "jsonl", "zip"],
        key="import file",
        help="JSON, JSON Lines, or the .zip that ChatGPT sends.",
    )
    report: ImportReport | None = st.session_state.get("import report")
    if uploaded is not None and not (report and report.file_id == uploaded.file_id):
        container = st.empty()
        if container.button("Import", key="import", type="primary"):
            with st.spinner("Importing …"):
                report = st.session_state["import report"] = _import_in_worker(user, uploaded)
            container.empty()  # a second click during the import finds its report and does nothing
    if report is not None:
        _show_report(report)


def _import_in_worker(user: str, uploaded: Any) -> ImportReport:
    """Import a file in the import thread and wait for it. A click meanwhile doesn't abort it.

    Nothing is drawn here, because a click aborts a run that draws.
    """
    report = ImportReport(file_id=uploaded.file_id, file_name=uploaded.name)
    try:
        chat, limits = cache.connection(), runtime.current().import_limits
        WORKER.run(lambda: _import(chat, user, uploaded, limits, report))
    except BotchatError as error:
        report.error = str(error)
    return report


def _import(chat: Chat, user: str, uploaded: Any, limits: ImportLimits, report: ImportReport) -> None:
    importer = SessionImporter(chat.for_admins())
    try:
        for result in importer.load(read_sessions(uploaded, user=user, default_user=user, limits=limits)):
            if isinstance(result, SkippedEntry) and len(report.refused) < _REASONS_SHOWN:
                report.refused.append(result)
    finally:  # also if the store went down: what was imported stays
        report.imported, report.existing, report.expiry_cleared = importer.imported, importer.existing, importer.expired
        report.refused_count, report.unsupported = importer.skipped, importer.unsupported
        chat.refresh(user)


def _show_report(report: ImportReport) -> None:
    name = escape(one_line(report.file_name))
    summary = (
        f"{name}: {report.imported:,} taken in, {report.existing:,} there already, {report.refused_count:,} refused."
    )
    if report.expiry_cleared:
        summary += (
            f" The time of their end was past for {report.expiry_cleared:,} of them: it was taken away, and they stay."
        )
    if report.unsupported:
        summary += f" {unsupported_sentence(report.unsupported)}"
    if report.error:
        st.error(f"{summary} It went no further: {escape(one_line(report.error))}", icon=":material/error:")
    elif report.refused_count or report.unsupported:
        st.warning(summary, icon=":material/warning:")
    else:
        st.success(summary, icon=":material/check:")
    if report.refused:
        rows = [{"Where": escape(one_line(r.location)), "Why": escape(one_line(r.reason))} for r in report.refused]
        st.table(rows, hide_index=True, border="horizontal", alt="What was refused, and why")
    if report.refused_count > len(report.refused):
        st.caption(f"The first {len(report.refused)} of {report.refused_count:,}.")


def _download_link(
    label: str, *, width: Literal["stretch", "content"] = "content", disabled: bool = False, **parameters: str
) -> None:
    # It opens a tab, which the browser closes when the download starts. An error is shown there, and the page stays.
    url = f"export?{urlencode(parameters)}"
    st.link_button(label, url, icon=":material/download:", width=width, disabled=disabled)
