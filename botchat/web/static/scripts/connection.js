// A lost connection: a banner, and the sign-in page if the server answers 401 after a sign-out in another tab.
const RECONNECT_MS = 2000;
const banner = document.createElement("div");
banner.className = "botchat-offline";
banner.setAttribute("role", "status");
document.body.append(banner);

const isConnected = () => {
  const state = find("[data-test-connection-state]")?.dataset.testConnectionState;
  return !state || state === "CONNECTED" || state === "STATIC_CONNECTED";
};

let offlineSince = null;

setInterval(async () => {
  if (isConnected()) {
    offlineSince = null;
    banner.textContent = "";
    return;
  }
  offlineSince ??= Date.now();
  // Streamlit reconnects at once after a short interruption, which isn't worth a banner.
  if (Date.now() - offlineSince >= RECONNECT_MS) banner.textContent = "Connection lost. Reconnecting…";
  hideStreamlitDialog();
  const answer = await fetch("_stcore/host-config").catch(() => null);
  if (answer?.status === 401) location.reload();
}, RECONNECT_MS);

// The banner says it all; Streamlit's dialog would cover the chat, which can still be read and copied.
function hideStreamlitDialog() {
  for (const dialog of document.querySelectorAll('[data-testid="stDialog"], [role="dialog"]')) {
    if (dialog.textContent.includes("Streamlit server is not responding")) dialog.style.display = "none";
  }
}
