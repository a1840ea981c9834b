"""The HTML of the pages /sign-in and /sign-out: plain forms that work without a script."""

from html import escape
from pathlib import Path

from botchat.web.icon import ICON_URL

_STATIC = Path(__file__).parent.parent / "static"
SCRIPT = (_STATIC / "sign_in.js").read_bytes()
"""The script of the page: a checkbox that shows the password. Without it, the form is complete."""

# The colors are those of the page's theme; text has a contrast of at least 4.5 to 1, borders of fields 3 to 1.
_STYLE = """
:root { color-scheme: light dark; --accent: #2e5c8a; --text: light-dark(#1c2024, #e7eaed);
  --quiet: light-dark(#5b6570, #a3adb7); --card: light-dark(#ffffff, #1a1e22); --line: light-dark(#86909a, #727d88);
  --link: light-dark(#1f5fa8, #8ab4f8); --error: light-dark(#a3232c, #ff9a9e);
  --error-back: light-dark(#fdecec, #3a1f22) }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; place-items: center; padding: 1rem;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; color: var(--text);
  background: light-dark(#f3f5f7, #14171a) }
main { width: min(24rem, 100%); padding: 2rem; border-radius: 1rem; background: var(--card);
  box-shadow: 0 1px 8px light-dark(rgb(0 0 0 / .1), rgb(0 0 0 / .5)); overflow-wrap: anywhere }
header { display: flex; align-items: center; gap: .6rem; font-weight: 600 }
header img { width: 2rem; height: 2rem }
h1 { margin: 1rem 0 1.25rem; font-size: 1.5rem; line-height: 1.25 }
p { margin: 0 0 1rem }
label { font-size: .875rem; font-weight: 500 }
input:not([type=checkbox]), button, .button { display: block; width: 100%; font: inherit; border-radius: .5rem;
  padding: .6rem .8rem; margin: .25rem 0 1rem; border: 1px solid var(--line); text-align: start }
input { background: light-dark(#ffffff, #21262b); color: inherit }
input[aria-invalid=true] { border-color: var(--error) }
button, .button { text-align: center; cursor: pointer; background: none; color: inherit; text-decoration: none }
button:first-of-type, .button { background: var(--accent); border-color: var(--accent); color: #ffffff;
  font-weight: 600 }
button:hover, .button:hover { filter: brightness(1.12) }
:focus-visible { outline: 2px solid light-dark(#2e5c8a, #7fb0e0); outline-offset: 2px }
a:not(.button) { color: var(--link) }
.show { display: flex; align-items: center; gap: .5rem; margin: -.5rem 0 1.25rem; color: var(--quiet) }
.show[hidden] { display: none }
.show input { width: 1.1rem; height: 1.1rem; accent-color: var(--accent) }
[role=alert] { padding: .6rem .8rem; border-radius: .5rem; color: var(--error); background: var(--error-back) }
"""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title} · botchat</title><link rel="icon" type="image/png" href="{icon}">
<meta name="theme-color" media="(prefers-color-scheme: light)" content="#f3f5f7">
<meta name="theme-color" media="(prefers-color-scheme: dark)" content="#14171a">
<style>{style}</style></head>
<body><main><header><img src="{icon}" alt="">botchat</header><h1>{title}</h1>{notice}<form method="post">
<input type="hidden" name="form" value="{key}">{fields}</form></main></body></html>"""
_ACCOUNT_FIELDS = """<label for="user">Username</label>
<input id="user" name="user" value="{user}" autocomplete="username" autocapitalize="none" spellcheck="false"
required{user_focus}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required{password_focus}>
<label class="show" hidden><input id="show" type="checkbox" autocomplete="off">Show password</label>
<button>Sign in</button><script src="sign-in.js" defer></script>"""

SIGN_OUT_FIELDS = """<button autofocus>Sign out</button>
<button name="everywhere" value="yes">Sign out on all devices</button>
<p><a href="./">Cancel</a></p>"""
"""The fields of the page /sign-out."""


def page_html(title: str, notice: str, fields: str, key: str) -> str:
    """Return a page with a form. All arguments are HTML; `key` protects the form."""
    return _PAGE.format(title=title, notice=notice, fields=fields, key=key, icon=ICON_URL, style=_STYLE)


def password_fields(user: str, *, is_wrong: bool) -> str:
    """Return the fields for a name and a password. After a wrong password, the focus is in the password field."""
    wrong = ' aria-invalid="true" aria-describedby="problem"' if is_wrong else ""
    user_focus, password_focus = ("", " autofocus") if user else (" autofocus", "")
    return _ACCOUNT_FIELDS.format(user=escape(user), user_focus=user_focus, password_focus=password_focus + wrong)


def provider_fields(url: str) -> str:
    """Return the button that goes to an identity provider.

    It is a link, because the page's policy allows a form to redirect only to this server.
    """
    return f'<p><a class="button" href="{escape(url)}">Continue with single sign-on</a></p>'


def alert(html: str) -> str:
    """Return an error message in the color of errors; screen readers read it out."""
    return f'<div id="problem"><p role="alert">{html}</p></div>'
