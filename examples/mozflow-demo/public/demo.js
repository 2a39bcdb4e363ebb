'use strict';
// The live list of received events. Text goes in as text, never as HTML.
(() => {
  const list = document.getElementById('events');
  const count = document.getElementById('count');
  if (!list) return;

  const element = (name, text, className) => {
    const e = document.createElement(name);
    if (text !== undefined) e.textContent = text;
    if (className) e.className = className;
    return e;
  };

  const draw = ({ items, refused }) => {
    const parts = [items.length === 0 ? 'Waiting for the first event.' : `${items.length} events, newest first. Each signature was checked.`];
    if (refused.count > 0) parts.push(`${refused.count} refused, last: ${refused.last}.`);
    count.textContent = parts.join(' ');
    const open = new Set([...list.querySelectorAll('details[open]')].map((d) => d.dataset.id));
    list.replaceChildren(...items.map((event) => {
      const row = element('li');
      const details = element('details');
      details.dataset.id = event.id;
      details.open = open.has(event.id);
      const summary = element('summary');
      summary.append(element('code', event.type), element('span', event.data?.message?.text ?? '', 'text'),
        element('time', new Date(event.received_at).toLocaleTimeString()));
      const { received_at: _at, signature: _checked, ...body } = event;
      details.append(summary, element('pre', JSON.stringify(body, null, 2)));
      row.dataset.eventType = event.type;
      row.append(details);
      return row;
    }));
  };

  new EventSource('/events/stream').onmessage = (m) => draw(JSON.parse(m.data));
})();
