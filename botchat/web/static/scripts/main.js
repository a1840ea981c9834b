// The server adds and removes elements at any time.
function update() {
  showDraft();
  saveUnsent();
  receiveText();
  showTheme();
  makeLongTextsFocusable();
  dressCode();
  labelTasks();
  focusSearch();
  focusEditor();
  focusComposer();
  placeStop();
  hideStreamlitDialog();
  showHit();
}
restoreUnsent();
new MutationObserver(update).observe(document.body, { childList: true, subtree: true });
update();
