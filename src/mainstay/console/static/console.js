// What the console does in the browser beyond htmx: keys, clocks, the lost stream, copied times.
// Everything here is a comfort: reading and every form work without it.
(() => {
  "use strict";
  const LOST_MS = 10_000;
  const AGAIN_MS = 2_000;
  const BEGIN_MS = 5_000;
  const YEAR_S = 31_536_000;
  const GO = { t: "/", i: "/incidents", a: "/alerts", s: "/services", c: "/oncall", m: "/silences" };
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const keep = (name, value) => {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `${name}=${value}; path=/; max-age=${YEAR_S}; samesite=lax${secure}`;
  };

  // -- the clocks: the server's time, carried on; they stand still while the stream is lost --------
  const clock = one("#clock");
  const ahead = clock ? Date.parse(clock.dateTime) - Date.now() : 0;
  const zone = one("#clock-utc") ? document.body.dataset.site : "UTC";
  const words = new Intl.DateTimeFormat("en-GB", { timeZone: zone, weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false });
  const now = () => Date.now() + ahead;

  function span(ms) {
    const s = Math.floor(Math.abs(ms) / 1000);
    if (s >= 3600) return `${Math.floor(s / 3600)}\u00a0h ${Math.floor((s % 3600) / 60)}\u00a0min`;
    return s >= 60 ? `${Math.floor(s / 60)}\u00a0min ${s % 60}\u00a0s` : `${s}\u00a0s`;
  }

  function tick() {
    if (lost) return;
    const parts = Object.fromEntries(words.formatToParts(now()).map((p) => [p.type, p.value]));
    const text = `${parts.weekday} ${parts.day} ${parts.month}, ${parts.hour}:${parts.minute}`.replaceAll(" ", "\u00a0").replace(",\u00a0", ", ");
    if (clock && clock.textContent !== text) clock.textContent = text;
    const utc = one("#clock-utc");
    if (utc) utc.textContent = new Date(now()).toISOString().slice(11, 16);
    for (const far of all("[data-zone]")) {
      const there = new Date(now()).toLocaleTimeString("en-GB", { timeZone: far.dataset.zone, hour: "2-digit", minute: "2-digit" });
      if (far.textContent !== there) far.textContent = there;
    }
    for (const due of all("[data-until]")) {
      const left = Date.parse(due.dataset.until) - now();
      due.textContent = span(left) + (left < 0 ? " late" : "");
      due.classList.toggle("crit", left < 0);
    }
  }

  // -- the stream: who does not hear from it for ten seconds says so ------------------------------
  let heard = Date.now();
  let lost = false;
  const hear = () => {
    heard = Date.now();
    if (lost || one("#live")?.dataset.state === "off") show(false);
  };
  function show(isLost) {
    lost = isLost;
    const live = one("#live");
    if (live) {
      live.dataset.state = isLost ? "lost" : "on";
      one("span", live).textContent = isLost ? "Stopped" : "Live";
    }
    const banner = one("#lost");
    if (!banner) return;
    if (isLost) one("#lost-at").textContent = new Date(heard + ahead).toLocaleTimeString("en-GB", { timeZone: zone });
    banner.hidden = !isLost;
  }
  // htmx tries a stream again that has once begun. One that never did, or that died without a word
  // (a laptop that slept), is begun anew: the banner says so, and it must be true.
  let tried = 0;
  function begin() {
    tried = Date.now();
    const old = one("#stream");
    old._htmx?.sse?.abortController?.abort?.();
    const fresh = old.cloneNode();
    old.replaceWith(fresh);
    htmx.process(fresh);
  }
  function listen() {
    if (!document.hidden && one("#stream") && Date.now() - heard > LOST_MS) {
      if (!lost) show(true);
      if (Date.now() - tried > BEGIN_MS) begin();
    }
    tick();
  }
  document.addEventListener("htmx:sse:after:connection", hear);
  document.addEventListener("htmx:sse:after:message", hear);
  // A part that could not be fetched again is asked for once more: a name is said only once.
  let again = 0;
  const retry = (event) => {
    const status = event.detail?.ctx?.response?.status ?? 0;
    if (!event.target.closest?.(".part") || (status && status < 500) || again) return;
    again = setTimeout(() => { again = 0; document.body.dispatchEvent(new CustomEvent("all")); }, AGAIN_MS);
  };
  document.addEventListener("htmx:error", retry);
  document.addEventListener("htmx:response:error", retry);
  document.addEventListener("visibilitychange", () => { if (!lost) heard = Date.now(); });
  setInterval(listen, 1000);

  // -- keys ---------------------------------------------------------------------------------------
  let going = 0;
  const isTyping = (at) => at.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  const rows = () => all("main .row");
  function step(by) {
    const found = rows();
    const at = found.findIndex((row) => row.classList.contains("chosen"));
    const next = found[Math.max(0, Math.min(found.length - 1, at + by))];
    if (!next) return;
    found[at]?.classList.remove("chosen");
    next.classList.add("chosen");
    (next.matches("a") ? next : one("a", next))?.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }
  function press(key) {
    const found = all(`[data-key="${key}"]`).find((it) => it.offsetParent !== null) ?? one(`[data-key="${key}"]`);
    if (!found) return false;
    if (found.matches("input, textarea")) found.focus();
    else found.click();
    return true;
  }
  const DO = {
    d: () => {
      const dark = getComputedStyle(document.documentElement).colorScheme;
      const is = document.documentElement.dataset.theme ?? (dark === "dark" || matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
      const next = is === "dark" ? "light" : "dark";
      document.documentElement.dataset.theme = next;
      keep("theme", next);
    },
    z: () => {
      keep("zone", one("#clock-utc") ? "utc" : "site");
      location.reload();
    },
    "?": () => one("#keys")?.showModal(),
    j: () => step(1),
    k: () => step(-1),
    x: () => one(".row.chosen input[type=checkbox]")?.click(),
  };
  document.addEventListener("keydown", (event) => {
    const at = event.target;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && at.matches("textarea")) {
      event.preventDefault();
      at.form.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || one("dialog[open]")) return;
    if (event.key === "Escape") { if (isTyping(at)) at.blur(); else if (document.referrer.startsWith(location.origin)) history.back(); return; }
    if (isTyping(at)) return;
    if (going && Date.now() - going < 1500 && GO[event.key]) { location.href = GO[event.key]; return; }
    going = event.key === "g" ? Date.now() : 0;
    if (going) return;
    if (DO[event.key]) { event.preventDefault(); DO[event.key](); return; }
    if (press(event.key)) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const at = event.target.closest("[data-key], [data-do]");
    if (!at || !at.matches("button[type=button]")) return;
    if (at.dataset.do === "reload") location.reload();
    else DO[at.dataset.key]?.();
  });

  // -- copying a time copies ISO 8601 -------------------------------------------------------------
  document.addEventListener("copy", (event) => {
    const chosen = getSelection();
    if (!chosen || chosen.isCollapsed) return;
    const timeOf = (node) => (node instanceof Element ? node : node?.parentElement)?.closest("time");
    const from = timeOf(chosen.anchorNode);
    const to = timeOf(chosen.focusNode);
    if (!from || from !== to) return;
    event.clipboardData.setData("text/plain", from.dateTime);
    event.preventDefault();
  });

  // -- the service map: a service lights up what it needs and what needs it -----------------------
  for (const [on, off] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
    document.addEventListener(on, (event) => light(event.target.closest?.(".map .node")));
    document.addEventListener(off, (event) => { if (event.target.closest?.(".map .node")) light(null); });
  }
  function light(node) {
    for (const map of all(".map")) {
      const id = node && map.contains(node) ? node.dataset.id : null;
      map.classList.toggle("some", id !== null);
      for (const edge of all(".edge", map)) edge.classList.toggle("lit", id !== null && (edge.dataset.from === id || edge.dataset.to === id));
    }
  }

  // -- a timeline is read from its end -------------------------------------------------------------
  for (const stream of all(".stream")) stream.scrollTop = stream.scrollHeight;
  tick();
})();
