// Keeps the page as the records are: when the server tells of news it is fetched anew, and only the
// parts that differ are put in, never one that somebody is writing in.
"use strict";
(() => {
  const told = document.getElementById("news");
  const news = document.body.dataset.news;
  let source = null;
  let busy = false;

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

  const put = (fresh) => {
    document.title = fresh.title;
    for (const old of document.querySelectorAll("[data-live]")) {
      const now = fresh.getElementById(old.id);
      if (!now || plain(now) === plain(old)) continue;
      const held = old.contains(document.activeElement) ? document.activeElement : null;
      const written = [...old.querySelectorAll("input, textarea")].some((each) => each.value !== each.defaultValue);
      if (written || (held && held.matches("input, textarea, select"))) continue;
      const open = [...old.querySelectorAll("details[open]")].map((each) => each.id);
      const where = held && (held.id ? `#${CSS.escape(held.id)}` : held.getAttribute("href")
        ? `[href="${CSS.escape(held.getAttribute("href"))}"]` : null);
      old.replaceChildren(...document.importNode(now, true).childNodes);
      for (const id of open) { const each = document.getElementById(id); if (each) each.open = true; }
      if (where) { const again = old.querySelector(where); if (again) again.focus({ preventScroll: true }); }
    }
  };

  const load = async () => {
    if (busy) return;
    busy = true;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.ok) put(new DOMParser().parseFromString(await answer.text(), "text/html"));
      say(answer.ok ? "live" : "the console cannot read");
    } catch {
      say("not connected");
    } finally {
      busy = false;
    }
  };

  const say = (words) => { if (told.textContent !== words) told.textContent = words; };

  const listen = () => {
    if (source || document.hidden) return;
    source = new EventSource(news);
    source.addEventListener("open", () => say("live"));
    source.addEventListener("error", () => say("not connected"));
    source.addEventListener("news", load);
  };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden && source) { source.close(); source = null; }
    else { listen(); load(); }
  });
  window.addEventListener("pagehide", () => { if (source) { source.close(); source = null; } });
  window.addEventListener("pageshow", listen);
  setInterval(grow, 1000);
  listen();
})();
