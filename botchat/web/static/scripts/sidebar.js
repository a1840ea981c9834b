const isDrawerOpen = () => find('[data-testid="stSidebar"]')?.dataset.collapsed === "false";

// On a phone, the drawer covers the conversation, so it closes when a session is selected.
document.addEventListener("click", (event) => {
  const chosen = event.target.closest(
    '.botchat-row a, .st-key-new-chat button',
  );
  if (!chosen || !PHONE.matches) return;
  setTimeout(() => { if (isDrawerOpen()) find('[data-testid="stSidebarCollapseButton"] button')?.click(); });
}, true); // a radio stops the propagation of clicks
