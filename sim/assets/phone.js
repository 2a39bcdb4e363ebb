// Keeps the customer's phone up to date: asks for its live part and replaces what changed. A visible page reads the
// shop's messages. Without this script the page works too, after a reload.
'use strict';
(() => {
  const chosen = (name) => document.querySelector(`.write [name="${name}"]`)?.value;
  if (!chosen('shop')) return;
  const address = (part) => {
    const q = new URLSearchParams({ customer: chosen('customer'), shop: chosen('shop'), part, lang: document.documentElement.lang });
    if (document.visibilityState === 'visible') q.set('read', '1');
    return `/phone/live?${q}`;
  };
  const shown = {};
  const paint = async (part, selector) => {
    const answer = await fetch(address(part));
    const text = await answer.text();
    if (!answer.ok || text === shown[part]) return;
    const first = shown[part] === undefined;
    shown[part] = text;
    const old = document.querySelector(selector);
    const fresh = new DOMParser().parseFromString(text, 'text/html').querySelector(selector);
    if (!fresh || (first && fresh.textContent === old.textContent && fresh.children.length === old.children.length)) return;
    const list = old.querySelector('.chat');
    const atEnd = !list || list.scrollTop + list.clientHeight >= list.scrollHeight - 40;
    const top = list?.scrollTop;
    old.replaceWith(fresh);
    const now = fresh.querySelector('.chat');
    if (now) now.scrollTop = atEnd ? now.scrollHeight : top;
  };
  const poll = async () => {
    try {
      await paint('messages', '[data-sim="live"]');
      await paint('comments', '[data-sim="live-comments"]');
    } catch {
      // The simulator is restarting: the next round tells.
    }
    setTimeout(poll, 1000);
  };
  const list = document.querySelector('.chat');
  list.scrollTop = list.scrollHeight;
  const box = document.querySelector('.write textarea');
  box.focus({ preventScroll: true });
  box.addEventListener('keydown', (e) => {
    if (e.key === 'Enter' && !e.shiftKey && !e.isComposing && box.value.trim() !== '') {
      e.preventDefault();
      box.form.requestSubmit();
    }
  });
  poll();
})();
