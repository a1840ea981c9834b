// The server adds and removes elements at any time.
function update() {
  showDraft();
  saveUnsent();
  receiveText();
  showTheme();
  makeLongTextsFocusable();
  dressCode();
  labelTasks();
  makeScrollersFocusable();
  focusSearch();
  focusEditor();
  focusComposer();
  placeStop();
  hideStreamlitDialog();
  watchScroller();
  placeBesideRow();
  keepRowFocus();
  showHit();
}
restoreUnsent();
new MutationObserver(update).observe(document.body, { childList: true, subtree: true });
update();
