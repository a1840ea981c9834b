"""Small PDF and Word files, written by the tests."""

import io
import zipfile

from docx import Document
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject


def pdf_file(*pages: str, password: str | None = None) -> bytes:
    """Return a PDF file with a line of text on each page; an empty one has none, as a scan."""
    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    for text in pages:
        page = writer.add_blank_page(600, 800)
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        content = DecodedStreamObject()
        content.set_data(f"BT /F1 12 Tf 50 700 Td ({text}) Tj ET".encode() if text else b"")
        page[NameObject("/Contents")] = content
    if password is not None:
        writer.encrypt(password, algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def docx_file(*paragraphs: str, table: list[list[str]] | None = None) -> bytes:
    """Return a Word file with these paragraphs, and a table after the first of them."""
    document = Document()
    for i, paragraph in enumerate(paragraphs):
        document.add_paragraph(paragraph)
        if i == 0 and table:
            cells = document.add_table(len(table), len(table[0]))
            for row, texts in zip(cells.rows, table, strict=True):
                for cell, text in zip(row.cells, texts, strict=True):
                    cell.text = text
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def swollen_docx(size: int) -> bytes:
    """Return a small Word file with a part that expands to `size` bytes."""
    file = io.BytesIO(docx_file("Small"))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("word/more.xml", "w") as part:
        for _ in range(size // 1_000_000):
            part.write(bytes(1_000_000))
    return file.getvalue()
