// What a conversation must look like after a set of events, whatever their order and however often each came. Written
// from the reference (business-messaging 3.5, 3.6, 9.2), sharing nothing with src/ or sim/: a set of facts is turned
// into a state by looking at all of them at once, never one after the other.
const tapped = (c) => c.reply_source_payload && { button_id: c.reply_source_payload.reply_source_unique_id, button_of: c.reply_source_payload.reply_source_msg_id };

function contentOf(c) {
  const part = c[c.type] ?? {};
  switch (c.type) {
    case 'image': case 'video': return { media_id: part.media_id };
    case 'sticker': case 'emoji': return { url: part.url };
    case 'share_post': return { video_id: part.video_id, ...(part.embed_url ? { embed_url: part.embed_url } : {}) };
    case 'template': return { type: part.type, title: part.elements[0].title, buttons: part.elements[0].buttons.map(({ text, id }) => ({ text, id })) };
    default: return tapped(c) ?? null;
  }
}

const sources = { API: 'api', APP: 'app', WEB: 'web' };
const SHOWN = ['text', 'share_post', 'template'];
const largest = (list) => list.reduce((a, b) => (b > a ? b : a), 0);
const iso = (ms) => (ms ? new Date(ms).toISOString() : null);
const bytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

// events: parsed envelopes of one conversation. The answer has the members of GET /v1/conversations/{id} and its
// messages that follow from TikTok's events alone (no ids of ours, no clock of ours).
export function conversation(events) {
  const once = new Map();
  for (const e of events) once.set(JSON.stringify(e), { event: e.event, c: typeof e.content === 'string' ? JSON.parse(e.content) : e.content });
  const all = [...once.values()];
  const talk = all.filter((x) => ['im_receive_msg', 'im_send_msg'].includes(x.event));
  const said = new Map();
  for (const { event, c } of talk) if (c.type !== 'reaction') said.set(c.message_id, { c, out: event === 'im_send_msg' });
  const marks = new Map();
  for (const { c } of talk) {
    for (const r of c.type === 'reaction' ? c.reaction : []) {
      const mark = r.type === 'EMOJI' ? r.emoji : r.ai_emoji_url.split('?')[0];
      const key = JSON.stringify([r.original_msg_id, r.unique_identifier, r.type, mark]);
      const had = marks.get(key);
      const gone = r.operation === 'REMOVE';
      if (!had || r.timestamp > had.at || (r.timestamp === had.at && gone)) marks.set(key, { of: r.original_msg_id, kind: r.type.toLowerCase(), mark, at: r.timestamp, gone });
    }
  }
  const readUntil = largest(all.filter((x) => x.event === 'im_mark_read_msg').map((x) => x.c.read.last_read_timestamp));
  const lines = [...said.values()].sort((a, b) => b.c.timestamp - a.c.timestamp || bytes(b.c.message_id, a.c.message_id));
  const spoken = lines.filter((l) => !l.c.auto_message_type);
  const lastIn = largest(spoken.filter((l) => !l.out).map((l) => l.c.timestamp));
  const lastOut = largest(spoken.filter((l) => l.out).map((l) => l.c.timestamp));
  const from = all.filter((x) => x.event === 'im_referral_msg').sort((a, b) => b.c.timestamp - a.c.timestamp)[0]?.c;
  return {
    status: spoken.length === 0 ? 'open' : lastIn >= lastOut ? 'waiting_us' : 'waiting_customer',
    unread_count: lines.filter((l) => !l.out && l.c.timestamp > lastOut).length,
    customer_read_at: iso(readUntil),
    last_message: lines[0]?.c.message_id ?? null,
    referral: from ? { source: from.referral.source, ad_id: from.referral.ad?.ad_id ?? null, ref: from.referral.short_link?.ref ?? null, at: iso(from.timestamp) } : null,
    messages: lines.map(({ c, out }) => ({
      external_id: c.message_id,
      direction: out ? 'out' : 'in',
      type: c.type,
      shown: SHOWN.includes(c.type),
      text: c.text?.body ?? null,
      quoted_external_id: c.referenced_message_info?.referenced_message_id ?? null,
      source: out ? sources[c.message_tag?.source] ?? 'other' : 'customer',
      automatic: c.auto_message_type ?? null,
      content: contentOf(c),
      state: out ? (c.timestamp <= readUntil ? 'read' : 'sent') : 'received',
      reactions: [...marks.values()].filter((m) => m.of === c.message_id && !m.gone)
        .sort((a, b) => a.at - b.at || bytes(a.mark, b.mark)).map(({ kind, mark, at }) => ({ kind, mark, at: iso(at) })),
      sent_at: iso(c.timestamp),
    })),
  };
}
