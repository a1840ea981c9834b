// Features that Streamlit has no widget for. The scripts only read and click elements of the page, so the page works
// without them, too. This file has what the others share.
const find = (selector) => document.querySelector(selector);
const PHONE = window.matchMedia("(max-width: 768px)");

// A status message: visible for 2.5 s, and announced by screen readers.
const status = document.createElement("div");
status.className = "botchat-said";
status.setAttribute("role", "status");
document.body.append(status);
let statusTimer;
function announce(text) {
  status.textContent = text;
  clearTimeout(statusTimer);
  statusTimer = setTimeout(() => { status.textContent = ""; }, 2500);
}
