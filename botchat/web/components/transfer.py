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
        file_id: the ID of the upload, so that it isn't imported twice.
        file_name: the name of the uploaded file.
        imported: the number of imported sessions.
        existing: the number of sessions that were already in the store; they are unchanged.
        expiry_cleared: the number of sessions that had already expired; their expiry was removed.
        skipped_count: the number of skipped entries.
        unsupported: the number of imported messages with content that can't be shown.
        skipped: the first 100 skipped entries.
        error: why the import stopped; "" if it didn't.
    """

    file_id: str
    file_name: str
    imported: int = 0
    existing: int = 0
    expiry_cleared: int = 0
    skipped_count: int = 0
    unsupported: int = 0
    skipped: list[SkippedEntry] = field(default_factory=list)
    error: str = ""


def session_export_links(session: Session) -> None:
    """Show the buttons that download a session, one per format."""
    for form, label in _OF_ONE.items():
        _download_link(label, width="stretch", disabled=not session.rev, form=form, session=session.id)


def export_links() -> None:
    """Show the buttons that download all of the user's sessions except the trash, one per format."""
    with st.container(horizontal=True):
        for form, label in _OF_ALL.items():
            _download_link(label, form=form)
    st.caption("JSON and JSON Lines are complete and can be re-imported.")


def import_form(user: str) -> None:
    """Show the upload form and the report of the last import. All imported sessions are assigned to this user."""
    uploaded = st.file_uploader(
        "Choose an export file",
        type=["json", "jsonl", "zip"],
        key="import file",
        help="JSON, JSON Lines, or the .zip file from ChatGPT.",
    )
    report: ImportReport | None = st.session_state.get("import report")
    if uploaded is not None and not (report and report.file_id == uploaded.file_id):
        container = st.empty()
        if container.button("Import", key="import", type="primary"):
            with st.spinner("Importing…"):
                report = st.session_state["import report"] = _import_in_worker(user, uploaded)
            container.empty()  # a second click during the import finds the report and does nothing
    if report is not None:
        _show_report(report)


def _import_in_worker(user: str, uploaded: Any) -> ImportReport:
    """Import a file in the import thread and wait for the result. A click doesn't abort the import.

    Don't draw anything here: a click aborts a run when it draws.
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
            if isinstance(result, SkippedEntry) and len(report.skipped) < _REASONS_SHOWN:
                report.skipped.append(result)
    finally:  # also after an error: the sessions imported so far stay in the store
        report.imported, report.existing, report.expiry_cleared = importer.imported, importer.existing, importer.expired
        report.skipped_count, report.unsupported = importer.skipped, importer.unsupported
        chat.refresh(user)


def _show_report(report: ImportReport) -> None:
    name = escape(one_line(report.file_name))
    summary = (
        f"{name}: {report.imported:,} imported, {report.existing:,} already present, {report.skipped_count:,} skipped."
    )
    if report.expiry_cleared:
        summary += f" {report.expiry_cleared:,} had already expired; the expiry was removed."
    if report.unsupported:
        summary += f" {unsupported_sentence(report.unsupported)}"
    if report.error:
        st.error(f"{summary} Import stopped: {escape(one_line(report.error))}", icon=":material/error:")
    elif report.skipped_count or report.unsupported:
        st.warning(summary, icon=":material/warning:")
    else:
        st.success(summary, icon=":material/check:")
    if report.skipped:
        rows = [{"Entry": escape(one_line(r.location)), "Reason": escape(one_line(r.reason))} for r in report.skipped]
        st.table(rows, hide_index=True, border="horizontal", alt="Skipped entries")
    if report.skipped_count > len(report.skipped):
        st.caption(f"Showing the first {len(report.skipped)} of {report.skipped_count:,}.")


def _download_link(
    label: str, *, width: Literal["stretch", "content"] = "content", disabled: bool = False, **parameters: str
) -> None:
    # The link opens a tab, which the browser closes when the download starts; an error is shown in that tab.
    url = f"export?{urlencode(parameters)}"
    st.link_button(label, url, icon=":material/download:", width=width, disabled=disabled)
