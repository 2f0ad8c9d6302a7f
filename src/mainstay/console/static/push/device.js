// "This device" in the settings: asks the browser for a subscription and posts it as a form.
(() => {
  "use strict";
  const section = document.getElementById("device");
  if (!section) return;
  const says = document.getElementById("device-says");
  const form = section.querySelector("form");
  const button = form.querySelector("button");
  const say = (words) => { says.textContent = words; };

  function missing() {
    if (!isSecureContext) return "A page can ring here only over https. Open this screen at its https address.";
    if ("serviceWorker" in navigator && "PushManager" in window && "Notification" in window) return "";
    if (/iPhone|iPad/.test(navigator.userAgent)) return "On an iPhone or iPad: Share, then Add to Home Screen; open Mainstay from there and come back to this screen.";
    return "This browser takes no pages. Use another one, or another way to be paged.";
  }

  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const key = bytes(section.dataset.key);

  async function known() {
    const worker = await navigator.serviceWorker.getRegistration("/");
    return (await worker?.pushManager.getSubscription()) ?? null;
  }
  async function mark(subscription) {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(subscription.endpoint));
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, 16);
  }

  async function look() {
    const lacking = missing();
    if (lacking) { say(lacking); return; }
    if (Notification.permission === "denied") { say("Notifications of this site are blocked. Allow them in the browser's settings for this site, then load this screen again."); return; }
    form.hidden = false;
    say("A page can ring here as a notification, with a button that acknowledges, also when nobody is signed in.");
    const subscription = await known();
    const row = subscription && section.querySelector(`[data-device="${await mark(subscription)}"]`);
    if (!row) return;
    row.querySelector(".here").hidden = false;
    form.hidden = true;
    say("This device rings when you are paged.");
  }

  async function subscribe() {
    if (await Notification.requestPermission() !== "granted") { await look(); return; }
    await navigator.serviceWorker.register("/sw.js");
    const worker = await navigator.serviceWorker.ready;
    const ask = { userVisibleOnly: true, applicationServerKey: key };
    const old = await worker.pushManager.getSubscription();
    // One of another install (the same address, a new database) would never be signed for again.
    if (old && text(old.options.applicationServerKey) !== section.dataset.key) await old.unsubscribe();
    const made = await worker.pushManager.subscribe(ask);
    form.elements.endpoint.value = made.endpoint;
    form.elements.key.value = text(made.getKey("p256dh"));
    form.elements.secret.value = text(made.getKey("auth"));
    form.submit();
  }

  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await subscribe();
    } catch (error) {
      say(`The browser could not set this up: ${error.message}. Does this network let it reach its push service?`);
    }
    button.disabled = false;
  });
  look().catch((error) => say(`The browser could not say whether it takes pages: ${error.message}.`));
})();
