// Keeps the customer's phone up to date: asks for the state of the messages and repaints what changed. Without this
// script the page works too, after a reload.
'use strict';
(() => {
  const list = document.querySelector('[data-sim="messages"]');
  if (!list) return;
  const chosen = (name) => document.querySelector(`.write [name="${name}"]`).value;
  const address = () => {
    const q = new URLSearchParams({ customer: chosen('customer'), shop: chosen('shop'), lang: document.documentElement.lang });
    return `/phone/messages?${q}`;
  };
  const row = (m) => {
    const li = document.createElement('li');
    const text = document.createElement('p');
    const state = document.createElement('span');
    li.dataset.sim = 'message';
    li.dataset.messageId = m.message_id;
    text.textContent = m.text;
    state.className = 'small';
    li.append(text, state);
    return li;
  };
  const paint = (messages) => {
    for (const m of messages) {
      let li = [...list.children].find((x) => x.dataset.messageId === m.message_id);
      if (!li) {
        list.querySelector('.none')?.remove();
        li = row(m);
        list.append(li);
      }
      if (li.dataset.delivery !== m.delivery || li.lastElementChild.textContent !== m.words) {
        li.dataset.delivery = m.delivery;
        li.lastElementChild.textContent = m.words;
      }
    }
  };
  const poll = async () => {
    try {
      const answer = await fetch(address());
      if (answer.ok) paint((await answer.json()).messages);
    } catch {
      // The simulator is restarting: the next round tells.
    }
    setTimeout(poll, 1000);
  };
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
