// Keeps the page as the records are: when the server tells of news it is fetched anew, and only the
// parts that differ are put in, never one that somebody is writing in. Nothing slides under a hand that
// is about to answer: a question that is pointed at stays where it is, and a button that has just come to
// where the pointer rests is pressed twice or not at all.
"use strict";
(() => {
  const told = document.getElementById("news");
  const news = document.body.dataset.news;
  let source = null;
  let busy = false;
  let waits = false; // there is news, and a question is pointed at

  const SETTLES = 1000; // milliseconds in which a hand that was on its way cannot have seen the change
  const JITTER = 5; // pixels that a hand moves by pressing
  const pointer = { x: -1, y: -1 };
  let change = null; // when news last came into the page, which buttons it moved, and where the pointer was

  const span = (seconds) => {
    let left = Math.max(0, Math.round(Math.abs(seconds)));
    if (left < 1) return "";
    if (left >= 300) left -= left % 60;
    const parts = [];
    for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]]) {
      if (left >= size) { parts.push(`${Math.floor(left / size)} ${unit}`); left %= size; }
    }
    return parts.slice(0, 2).join(" ");
  };

  const grow = () => {
    for (const each of document.querySelectorAll("[data-at]")) {
      const ago = Date.now() / 1000 - Number(each.dataset.at);
      const words = span(ago);
      const text = !words ? "now" : ago > 0 ? `${words} ago` : `in ${words}`;
      if (each.textContent !== text) each.textContent = text;
    }
  };

  const plain = (node) => {
    const copy = node.cloneNode(true);
    for (const each of copy.querySelectorAll("[data-at]")) each.textContent = "";
    return copy.innerHTML;
  };

  const far = (a, b) => Math.abs(a.x - b.x) > JITTER || Math.abs(a.y - b.y) > JITTER;

  // What a button does, and to what: its address, the plan that it answers, its words.
  const meaning = (button) => [button.form.action, ...[...button.form.querySelectorAll("input[type=hidden]")]
    .map((each) => each.value), button.textContent].join("\n");

  const buttons = (root) => [...root.querySelectorAll("form button")];

  // What is folded away comes to nobody's pointer: whoever unfolds it has seen the page.
  const places = () => new Map(buttons(document).filter((each) => each.getClientRects().length).map((each) => {
    const { x, y } = each.getBoundingClientRect();
    return [meaning(each), { x, y }];
  }));

  // The question that pointer or keyboard is at, unless the server has another in its place by now.
  const pointedAt = (fresh) => [...document.querySelectorAll(".ask")].find((ask) => {
    const at = ask.matches(":focus-within") || (matchMedia("(hover: hover)").matches && ask.matches(":hover"));
    if (!at || !fresh) return at;
    const there = new Set(buttons(fresh).map(meaning));
    return buttons(ask).some((each) => there.has(meaning(each)));
  });

  const put = (fresh) => {
    document.title = fresh.title;
    const held = pointedAt(fresh);
    const before = places();
    let come = false;
    waits = false;
    for (const old of document.querySelectorAll("[data-live]")) {
      const now = fresh.getElementById(old.id);
      if (!now || plain(now) === plain(old)) continue;
      // What stands above a question moves it, too.
      if (held && (old.contains(held) || old.compareDocumentPosition(held) & Node.DOCUMENT_POSITION_FOLLOWING)) {
        waits = true;
        continue;
      }
      const focus = old.contains(document.activeElement) ? document.activeElement : null;
      const written = [...old.querySelectorAll("input, textarea")].some((each) =>
        each.value !== each.defaultValue || each.checked !== each.defaultChecked);
      if (written || (focus && focus.matches("input, textarea, select"))) continue;
      const open = [...old.querySelectorAll("details[open]")].map((each) => each.id);
      const does = focus && focus.matches("form button") ? meaning(focus) : null;
      const where = focus && (focus.id ? `#${CSS.escape(focus.id)}` : focus.getAttribute("href")
        ? `[href="${CSS.escape(focus.getAttribute("href"))}"]` : null);
      come = true;
      old.replaceChildren(...document.importNode(now, true).childNodes);
      for (const id of open) { const each = document.getElementById(id); if (each) each.open = true; }
      const again = does ? buttons(old).find((each) => meaning(each) === does) : where && old.querySelector(where);
      if (again) again.focus({ preventScroll: true });
    }
    if (!come) return;
    // What came under a hand that has not moved since is still not what it means.
    const slid = new Set(change && !change.told && !far(pointer, change.pointer) ? change.slid : []);
    for (const [each, at] of places()) if (!before.has(each) || far(before.get(each), at)) slid.add(each);
    change = { at: performance.now(), slid, pointer: { ...pointer }, told: false };
  };

  // A press on what was elsewhere, or was not there, before the page changed under the pointer. That the
  // keyboard is at a button is seen, and it goes with the button: such a press (no detail) is meant.
  const isSlid = (event, button) => {
    if (!change || !event.detail) return false;
    const early = performance.now() - change.at < SETTLES;
    const rests = !change.told && !far({ x: event.clientX, y: event.clientY }, change.pointer);
    return (early || rests) && change.slid.has(meaning(button));
  };

  const refuse = (event) => {
    // Only an answer: a robot or a runbook is stopped by the first press.
    const button = event.target.closest(".ask form button");
    if (!button || !isSlid(event, button)) return;
    event.preventDefault();
    change = { ...change, at: performance.now(), told: true };
    say("Nothing was sent: the page has just changed under the pointer. Look again, and press once more.", true);
  };

  const moved = (event) => { pointer.x = event.clientX; pointer.y = event.clientY; };
  const left = () => { if (waits && !pointedAt()) load(); };

  const load = async () => {
    if (busy) return;
    busy = true;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.ok) put(new DOMParser().parseFromString(await answer.text(), "text/html"));
      say(!answer.ok ? "the console cannot read" : waits ? "there is news, shown when you leave the question" : "live");
    } catch {
      say("not connected");
    } finally {
      busy = false;
    }
  };

  const say = (words, loud = false) => {
    if (told.textContent !== words) told.textContent = words;
    told.classList.toggle("loud", loud);
  };

  const listen = () => {
    if (source || document.hidden) return;
    source = new EventSource(news);
    source.addEventListener("open", () => say("live"));
    source.addEventListener("error", () => say("not connected"));
    source.addEventListener("news", load);
  };

  document.addEventListener("click", refuse, true);
  document.addEventListener("pointermove", moved, { passive: true });
  document.addEventListener("wheel", () => { change = null; }, { passive: true });
  document.addEventListener("pointerout", () => setTimeout(left));
  document.addEventListener("focusout", () => setTimeout(left));
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && source) { source.close(); source = null; }
    else { listen(); load(); }
  });
  window.addEventListener("pagehide", () => { if (source) { source.close(); source = null; } });
  window.addEventListener("pageshow", listen);
  setInterval(grow, 1000);
  listen();
})();
