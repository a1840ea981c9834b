// The themes are items of Streamlit's own menu, which page.css hides.
const chosenTheme = () => {
  const stored = Object.keys(localStorage).find((name) => name.startsWith(`stActiveTheme-${location.pathname}-`));
  return stored ? JSON.parse(localStorage.getItem(stored)) : "System";
};

function showTheme() {
  const box = find(".botchat-theme:not([data-shown])");
  if (!box) return;
  box.dataset.shown = "";
  for (const input of box.querySelectorAll("input")) input.checked = input.value === chosenTheme();
}

document.addEventListener("change", (event) => {
  if (!event.target.closest(".botchat-theme")) return;
  const press = (name) => find(`[data-testid="${name}"]`)?.click();
  press("stMainMenuButton");
  setTimeout(() => {
    press(`stMainMenuItem-theme-${event.target.value}`);
    press("stMainMenuButton");
    setTimeout(() => event.target.focus());
  });
});
