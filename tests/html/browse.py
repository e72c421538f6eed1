#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""browse.py PAGE DIRECTORY: opens a page in headless Chromium and prints as JSON what it is like:

  console    messages of the console, exceptions, violations of the content security policy
  requests   addresses that were asked for, other than the page itself
  title      of the document
  plots      one object per <svg role=img>: its label, and how many marks, hits and tick labels
  keys       what the tooltip says after focusing the first plot and pressing keys
  hover      what it says with the pointer on the first mark
  contrast   texts and marks with the least contrast to their ground, light and dark
  overflow   width of the content less that of the window, at 1060 and at 390 pixels

and leaves light.png, dark.png, narrow.png, page.pdf and text.txt (what a reader sees) in DIRECTORY.
It talks the DevTools protocol over a pipe: no port is opened.
"""

import base64
import json
import os
import select
import subprocess
import sys
import tempfile
import time

TIMEOUT_S = 60
IGNORED = ("file://", "data:", "about:")

CONTRAST = """
(() => {
  const rgba = (text) => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const linear = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const luminance = (c) => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
  const ratio = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const c = rgba(getComputedStyle(element).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const style = getComputedStyle(element), svg = element instanceof SVGElement;
    if (element.closest("script, #tip, .skip") || style.display === "none") continue;
    const words = [...element.childNodes].filter((n) => n.nodeType === 3 && n.data.trim());
    if (words.length && element.tagName !== "title")
      found.push({ kind: "text", what: words[0].data.trim().slice(0, 30),
                   ratio: ratio(rgba(svg ? style.fill : style.color), ground(element)) });
    if (element.matches(".mark.bar, .mark.line, .mark.span, .swatch rect")) {
      const paint = style.fill === "none" ? style.stroke : style.fill;
      found.push({ kind: "mark", what: element.getAttribute("class"),
                   ratio: ratio(rgba(paint), ground(element)) });
    }
  }
  const least = (kind) => found.filter((f) => f.kind === kind).sort((a, b) => a.ratio - b.ratio)[0];
  return { text: least("text"), mark: least("mark"), n: found.length };
})()
"""

PLOTS = """
[...document.querySelectorAll("svg[role=img]")].map((plot) => ({
  label: plot.getAttribute("aria-label"),
  marks: [...plot.querySelectorAll(".mark")].filter((m) => {
    const box = m.getBBox();
    return box.width > 0 || box.height > 0;
  }).length,
  hits: plot.querySelectorAll(".hit").length,
  caption: plot.closest("figure").querySelector("figcaption").textContent,
}))
"""


class Browser:
    def __init__(self, directory):
        to_read, self.out = os.pipe()
        self.into, to_write = os.pipe()

        def pipes():
            # First out of the way: a pipe may itself have the number 3 or 4.
            read, write = os.dup(to_read), os.dup(to_write)
            os.dup2(read, 3)
            os.dup2(write, 4)
            os.set_inheritable(3, True)
            os.set_inheritable(4, True)

        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--hide-scrollbars", "--no-first-run", "--disable-extensions", "--disable-sync",
             "--disable-background-networking", "--disable-component-update",
             f"--user-data-dir={directory}", "--remote-debugging-pipe", "about:blank"],
            preexec_fn=pipes, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.buffer, self.events, self.number, self.session = b"", [], 0, None

    def message(self):
        end = time.monotonic() + TIMEOUT_S
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.into], [], [], max(0, end - time.monotonic()))
            data = os.read(self.into, 1 << 20) if ready else b""
            if not data:
                sys.exit("browse.py: chromium does not answer")
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.out, json.dumps(request).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    sys.exit(f"browse.py: {method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.message())

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            sys.exit(f"browse.py: {result['exceptionDetails']}")
        return result["result"].get("value")

    def close(self):
        self.session = None
        try:
            self.call("Browser.close")
        except (SystemExit, OSError):
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def key(browser, name):
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key=name, code=name)


def size(browser, width, height):
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=1, mobile=False)


def overflow(browser):
    return browser.evaluate("document.documentElement.scrollWidth - innerWidth")


def picture(browser, width, scheme, path):
    """A screenshot of the whole page, which Chromium limits to 16384 pixels."""
    browser.call("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": scheme}])
    size(browser, width, 900)
    height = browser.evaluate("document.documentElement.scrollHeight")
    size(browser, width, min(height, 16000))
    data = browser.call("Page.captureScreenshot", format="png")["data"]
    with open(path, "wb") as file:
        file.write(base64.b64decode(data))


def console(events):
    for event in events:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Log.entryAdded":
            yield parameters["entry"]["text"]
        elif method == "Runtime.consoleAPICalled":
            yield str(parameters["args"])
        elif method == "Runtime.exceptionThrown":
            yield str(parameters["exceptionDetails"])


def requests(events):
    for event in events:
        if event.get("method") == "Network.requestWillBeSent":
            yield event["params"]["request"]["url"]


def tip(browser):
    return browser.evaluate("(document.getElementById('tip') || {hidden: true}).hidden ? null : "
                            "document.getElementById('tip').textContent")


def hover(browser):
    place = browser.evaluate(
        "(() => { const m = document.querySelector('.bar.hit'); if (!m) return null;"
        " m.scrollIntoView({block: 'center'}); const b = m.getBoundingClientRect();"
        " return [b.left + b.width / 2, b.top + b.height / 2]; })()")
    if not place:
        return None
    # The scrolling hides the tip when it ends, which may be after the pointer has come.
    for _ in range(20):
        browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=place[0], y=place[1])
        if tip(browser):
            break
        time.sleep(0.05)
    return tip(browser)


def keys(browser):
    found = []
    browser.evaluate("(document.querySelector('svg[role=img]') || document.body).focus()")
    for name in ("ArrowRight", "ArrowRight", "End", "Escape"):
        key(browser, name)
        time.sleep(0.05)
        found.append(tip(browser))
    return found


def browse(browser, page, directory):
    target = browser.call("Target.createTarget", url="about:blank")["targetId"]
    browser.session = browser.call("Target.attachToTarget", targetId=target,
                                   flatten=True)["sessionId"]
    for domain in ("Page", "Runtime", "Log", "Network"):
        browser.call(f"{domain}.enable")
    size(browser, 1060, 900)
    browser.call("Page.navigate", url="file://" + os.path.abspath(page))
    browser.wait("Page.loadEventFired")
    found = {"title": browser.evaluate("document.title"), "plots": browser.evaluate(PLOTS),
             "hover": hover(browser), "keys": keys(browser), "contrast": {}, "overflow": {}}
    text = browser.evaluate("document.body.innerText")
    with open(os.path.join(directory, "text.txt"), "w", encoding="utf-8") as file:
        file.write(text + "\n")
    for scheme in ("light", "dark"):
        picture(browser, 1060, scheme, os.path.join(directory, scheme + ".png"))
        found["contrast"][scheme] = browser.evaluate(CONTRAST)
    found["overflow"]["wide"] = overflow(browser)
    picture(browser, 390, "light", os.path.join(directory, "narrow.png"))
    found["overflow"]["narrow"] = overflow(browser)
    pdf = browser.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]
    with open(os.path.join(directory, "page.pdf"), "wb") as file:
        file.write(base64.b64decode(pdf))
    found["console"] = list(console(browser.events))
    found["requests"] = [url for url in requests(browser.events) if not url.startswith(IGNORED)]
    return found


def main():
    page, directory = sys.argv[1:]
    os.makedirs(directory, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(profile)
        try:
            found = browse(browser, page, directory)
        finally:
            browser.close()
    json.dump(found, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
