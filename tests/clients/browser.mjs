// A browser in a script: keeps the simulator's cookies, opens an authorize link, reads the consent page, sends its form,
// and returns the address that the person would be sent to. It never visits that address.
const entities = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&#x27;': "'" };
const unescape = (text) => text.replace(/&(?:amp|lt|gt|quot|#39|#x27);/g, (e) => entities[e]);
const attribute = (tag, name) => {
  const m = new RegExp(`\\b${name}="([^"]*)"`).exec(tag);
  return m ? unescape(m[1]) : null;
};

// Returns { location, page }: where the person ends up, or the page that TikTok shows instead of sending them back.
// `person` signs in at the simulator; `decision` is allow or deny; `scopes`: which toggles stay on (all by default).
export async function consent(link, { person = 'somying', decision = 'allow', scopes } = {}) {
  const headers = { cookie: `sim_person=${person}` };
  const first = await fetch(link, { headers, redirect: 'manual' });
  if (first.status >= 300 && first.status < 400) return { location: new URL(first.headers.get('location'), link) };
  const page = await first.text();
  const form = /<form[^>]*action="\/sim\/consent"[\s\S]*?<\/form>/.exec(page)?.[0];
  if (!form) return { page, status: first.status };
  const body = new URLSearchParams();
  for (const tag of form.match(/<input[^>]*>/g) ?? []) {
    const name = attribute(tag, 'name');
    if (attribute(tag, 'type') === 'hidden') body.append(name, attribute(tag, 'value'));
    else if (name === 'scope' && !/\bdisabled\b/.test(tag) && (!scopes || scopes.includes(attribute(tag, 'value')))) {
      body.append(name, attribute(tag, 'value'));
    }
  }
  body.append('decision', decision);
  const answer = await fetch(new URL('/sim/consent', link), {
    method: 'POST', headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' }, body, redirect: 'manual',
  });
  const location = answer.headers.get('location');
  if (!location) return { page: await answer.text(), status: answer.status };
  return { location: new URL(location, link) };
}
