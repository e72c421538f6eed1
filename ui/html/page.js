// Tooltips for everybody: what a mark's <title> holds is shown where the pointer is, and, once a
// plot has the focus, at the mark that the arrow keys chose. Without this script <title> still works.
(function () {
  "use strict";
  var tip = document.createElement("div"), at = null;

  tip.id = "tip";
  tip.hidden = true;
  tip.setAttribute("role", "status");
  document.body.appendChild(tip);

  function hide() {
    if (at) at.classList.remove("at");
    at = null;
    tip.hidden = true;
  }

  function place(x, y) {
    var box = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.width - 8)) + "px";
    tip.style.top = (y + box.height + 24 > innerHeight ? y - box.height - 12 : y + 18) + "px";
  }

  function show(mark, x, y) {
    if (mark !== at) {
      hide();
      at = mark;
      mark.classList.add("at");
      tip.textContent = mark.dataset.tip;
      tip.hidden = false;
    }
    place(x, y);
  }

  document.querySelectorAll(".hit").forEach(function (mark) {
    var title = mark.querySelector("title");
    mark.dataset.tip = title.textContent;
    title.remove();
  });
  document.addEventListener("pointermove", function (event) {
    var mark = event.target.closest && event.target.closest(".hit");
    if (mark) show(mark, event.clientX, event.clientY);
    else if (at && !at.ownerSVGElement.matches(":focus")) hide();
  });
  document.addEventListener("keydown", function (event) {
    var plot = document.activeElement, step, marks, index, box;
    if (event.key === "Escape") hide();
    if (!plot || plot.tagName !== "svg") return;
    step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -1e9, End: 1e9 }[event.key];
    if (!step) return;
    marks = Array.from(plot.querySelectorAll(".hit"));
    if (!marks.length) return;
    index = at ? marks.indexOf(at) + step : step > 0 ? 0 : marks.length - 1;
    index = Math.max(0, Math.min(marks.length - 1, index));
    event.preventDefault();
    box = marks[index].getBoundingClientRect();
    show(marks[index], box.left + box.width / 2, box.top + Math.min(box.height / 2, 40));
  });
  document.addEventListener("focusout", hide);
  addEventListener("scroll", function () { if (at) hide(); }, { passive: true, capture: true });
  // Print with the tables of the figures open.
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details:not([open])").forEach(function (d) {
      d.open = true;
      d.dataset.opened = "";
    });
  });
  addEventListener("afterprint", function () {
    document.querySelectorAll("details[data-opened]").forEach(function (d) { d.open = false; });
  });
})();
