// A long text scrolls in its own box, which not every browser makes focusable.
function makeLongTextsFocusable() {
  const box = find('[class*="st-key-long-"] pre:not([tabindex])');
  if (box) box.tabIndex = 0;
}

// Code blocks: a header with the language, and a button that wraps long lines.
function dressCode() {
  const undressed = '[data-testid="stCode"]:not([data-lang], [class*="st-key-long-"] *)'; // a long text isn't code
  for (const block of document.querySelectorAll(undressed)) {
    const language = block.querySelector("code")?.className.match(/language-([\w+#.-]+)/)?.[1] ?? "text";
    block.dataset.lang = language;
    const wrap = document.createElement("button");
    wrap.type = "button";
    wrap.className = "botchat-wrap";
    wrap.textContent = "Wrap";
    wrap.setAttribute("aria-pressed", "false");
    wrap.addEventListener("click", () => {
      const isWrapped = block.classList.toggle("botchat-wrapped");
      wrap.setAttribute("aria-pressed", String(isWrapped));
    });
    block.append(wrap);
  }
}

// The boxes of a task list have no label of their own.
function labelTasks() {
  for (const box of document.querySelectorAll('[data-testid="stMarkdownContainer"] li input[type="checkbox"]:not([aria-label])')) {
    box.setAttribute("aria-label", box.closest("li").textContent.trim() || "Task");
  }
}

// Code, tables and formulas that scroll sideways can be reached and scrolled with the keyboard.
function makeScrollersFocusable() {
  const scrollers = '[data-testid="stChatMessageContent"] :is([data-testid="stCode"] pre, table, .katex-display):not([tabindex])';
  for (const box of document.querySelectorAll(scrollers)) if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
}
