"""The page's colors and fonts as Streamlit options; page.css has the rules that these can't express."""

# Contrast with the background: at least 4.5 to 1 for text, 3 to 1 for meaningful marks and borders.
_LIGHT = {
    "primaryColor": "#2e5c8a",
    "backgroundColor": "#ffffff",
    "secondaryBackgroundColor": "#f3f5f7",
    "textColor": "#1c2024",
    "linkColor": "#1f5fa8",
    "borderColor": "#d6dbe0",
    "codeBackgroundColor": "#f3f5f7",
    "codeTextColor": "#1c2024",
    "grayTextColor": "#5b6570",
    "redTextColor": "#a3232c",
    "orangeTextColor": "#8a4b00",
    "yellowTextColor": "#715600",
    "greenTextColor": "#1d6b3a",
    "blueTextColor": "#1f5fa8",
    "violetTextColor": "#6a3fb0",
    "chartCategoricalColors": ["#2e5c8a", "#c46a1b", "#2f7d6b", "#8a4f9e", "#a08400", "#b23a48", "#5b6570"],
    "sidebar.backgroundColor": "#f3f5f7",
    "sidebar.secondaryBackgroundColor": "#ffffff",
}
_DARK = {
    "primaryColor": "#4079b2",
    "backgroundColor": "#14171a",
    "secondaryBackgroundColor": "#21262b",
    "textColor": "#e7eaed",
    "linkColor": "#8ab4f8",
    "borderColor": "#3a424a",
    "codeBackgroundColor": "#21262b",
    "codeTextColor": "#e7eaed",
    "grayTextColor": "#a3adb7",
    "redTextColor": "#ff9a9e",
    "orangeTextColor": "#f2b36f",
    "yellowTextColor": "#e3cd6b",
    "greenTextColor": "#86d3a1",
    "blueTextColor": "#8ab4f8",
    "violetTextColor": "#c6a8f5",
    "chartCategoricalColors": ["#7fb0e0", "#e8a35c", "#6cc5b0", "#c79ad8", "#d8c25a", "#ee8d97", "#a3adb7"],
    "sidebar.backgroundColor": "#1a1e22",
    "sidebar.secondaryBackgroundColor": "#262c32",
}
# System fonts: nothing is loaded from other servers, and the layout doesn't shift while a font loads.
_SHARED = {
    "font": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif",
    "codeFont": "ui-monospace, 'Cascadia Code', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
    "headingFontSizes": ["1.6rem", "1.4rem", "1.25rem", "1.1rem", "1rem", "1rem"],
    "headingFontWeights": [600, 600, 600, 600, 600, 600],
    "codeFontSize": "0.875rem",
    "baseRadius": "0.5rem",
    "linkUnderline": True,
    "showSidebarBorder": False,
}

THEME: dict[str, object] = {
    f"theme.{part}{name}": value
    for part, values in (("", _SHARED), ("light.", _LIGHT), ("dark.", _DARK))
    for name, value in values.items()
}
"""The options of the light and the dark theme, for Streamlit's `config`."""
