// The service worker: shows a page as a notification, acknowledges from there, and says when there
// is no connection. It keeps nothing but that one notice: no screen with data is ever shown again
// from a cache, for an incident of an hour ago must not look like one of now.
(() => {
  "use strict";
  const NOTICE = "/static/push/offline.html";
  const CACHE = "mainstay-notice-1";
  const ICON = "/static/push/icon-192.png";
  const BADGE = "/static/push/badge-96.png";

  self.addEventListener("install", (event) => {
    event.waitUntil(caches.open(CACHE).then((cache) => cache.add(new Request(NOTICE, { cache: "reload" }))).then(() => self.skipWaiting()));
  });
  self.addEventListener("activate", (event) => {
    const old = (names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
    event.waitUntil(caches.keys().then(old).then(() => self.clients.claim()));
  });

  // -- without a connection -----------------------------------------------------------------------
  self.addEventListener("fetch", (event) => {
    if (event.request.mode !== "navigate" || event.request.method !== "GET") return;
    event.respondWith(fetch(event.request).catch(() => caches.match(NOTICE).then((notice) => notice ?? Response.error())));
  });

  // -- a page comes -------------------------------------------------------------------------------
  const NOTHING = { title: "Mainstay has a page for you", body: "Its words could not be read. Open Mainstay.", incident: "", ack: null };
  function read(data) {
    try {
      return { ...NOTHING, ...data.json() };
    } catch {
      return NOTHING;
    }
  }
  const screen = (page) => (/^INC-\d+$/.test(page.incident) ? `/incidents/${page.incident.slice(4)}` : "/");

  function show(page) {
    const actions = [{ action: "open", title: "Open" }];
    if (page.ack) actions.unshift({ action: "acknowledge", title: "Acknowledge" });
    return self.registration.showNotification(page.title, {
      body: page.body,
      tag: page.incident || "mainstay",
      renotify: true, // a second page of the same incident rings again
      requireInteraction: page.urgency === "high",
      vibrate: [300, 100, 300, 100, 600],
      icon: ICON,
      badge: BADGE,
      actions,
      data: { page, open: screen(page) },
    });
  }
  // Somebody has it, or it is over: that takes the page's place, and makes no sound. Something must
  // be shown for every push, or the browser takes the right to ring away.
  const giveWay = (page) =>
    self.registration.showNotification(page.title, { body: page.body, tag: page.incident || "mainstay", silent: true, icon: ICON, badge: BADGE, actions: [{ action: "open", title: "Open" }], data: { page, open: screen(page) } });
  self.addEventListener("push", (event) => {
    const page = read(event.data);
    event.waitUntil(page.stopped ? giveWay(page) : show(page));
  });

  // -- and is answered ----------------------------------------------------------------------------
  // The outcome takes the place of the page, under the same tag.
  const say = (page, title, body, open) =>
    self.registration.showNotification(title, { body, tag: page.incident, icon: ICON, badge: BADGE, data: { page, open } });

  async function acknowledge(page) {
    let status = 0;
    try {
      // The link is its own proof: it works when nobody is signed in any more.
      status = (await fetch(page.ack, { method: "POST", credentials: "omit", cache: "no-store" })).status;
    } catch {
      // No connection; what follows says so.
    }
    if (status === 200) return say(page, `${page.incident} is acknowledged`, "You have it now. Nobody else is paged.", screen(page));
    const why = status === 0 ? "There is no connection." : "This button was used before, or it is over.";
    await say(page, `${page.incident} is NOT acknowledged from here`, `${why} Open it to see who has it.`, page.ack);
    return open(page.ack);
  }

  async function open(path) {
    const url = new URL(path, self.location.origin).href;
    const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const same = windows.find((one) => one.url === url);
    try {
      await (same ? same.focus() : self.clients.openWindow(url));
    } catch {
      // The browser lets no window be opened now; the notification stays and leads there.
    }
  }

  self.addEventListener("notificationclick", (event) => {
    const { page, open: path } = event.notification.data;
    event.notification.close();
    event.waitUntil(event.action === "acknowledge" && page.ack ? acknowledge(page) : open(path));
  });

  // -- the push service gave this device another address ------------------------------------------
  self.addEventListener("pushsubscriptionchange", (event) => {
    const title = "This device rings no more";
    const body = "Its push service gave it a new address. Open Mainstay's settings and set it up again.";
    event.waitUntil(self.registration.showNotification(title, { body, tag: "device", requireInteraction: true, icon: ICON, badge: BADGE, data: { page: NOTHING, open: "/settings" } }));
  });
})();
