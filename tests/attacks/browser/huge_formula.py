"""A formula in a bot's answer makes the page hundreds of thousands of pixels high."""

from playwright.sync_api import expect
from support.attack import Refused, Target, run

FORMULA = "$$\\rule{100000em}{100000em}$$"


def attack(target: Target) -> str:
    target.use_bot(FORMULA)
    visitor = target.visitor()
    visitor.visit(target.serve())
    visitor.say("Go")
    expect(visitor.messages.nth(1).locator(".katex .rule").first).to_be_attached()
    expect(visitor.page.get_by_role("button", name="Stop")).to_have_count(0)
    height = visitor.page.evaluate("document.querySelector('.stMain').scrollHeight")
    if height > 60_000:
        return f"the page is {height} pixels high"
    raise Refused(f"the page is {height} pixels high")


run(attack)
