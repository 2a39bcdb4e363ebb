// The pages of mozflow-demo as text. Everything that comes from outside goes through esc().
const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
export const esc = (text) => String(text).replace(/[&<>"']/g, (c) => entities[c]);

function layout(title, main, scripts = '') {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${esc(title)}</title>
<link rel="stylesheet" href="/demo.css">
</head>
<body>
<header><a class="name" href="/">Mozflow demo</a><span>plays Mozflow by public REST and webhooks only</span></header>
<main>
${main}
</main>
${scripts}
</body>
</html>
`;
}

export function messagePage(title, text, quote = '') {
  return layout(title, `<section class="card">
<h1>${esc(title)}</h1>
<p>${esc(text)}</p>
${quote ? `<p class="muted"><code>${esc(quote)}</code></p>` : ''}
<p><a class="button" href="/">Back to the first page</a></p>
</section>`);
}

function signedOut({ workspaceKey, clientState, returnUrlId, buttonScript, reachable }) {
  if (!reachable) return '<p class="warn">mozflow-tiktok does not answer at the moment.</p>';
  if (!buttonScript) return '<p class="warn">Sign-in with TikTok is switched off in this workspace.</p>';
  return `<div class="ways">
<div>
<h3>Plain link</h3>
<p class="muted">Mozflow's server makes the attempt, then redirects.</p>
<p><a class="tiktok" data-demo="plain" href="/login/tiktok">Continue with TikTok</a></p>
</div>
<div>
<h3>Web component</h3>
<p class="muted">One script and one element, bound to this session by its client state.</p>
<p><mozflow-tiktok-login data-demo="component" workspace="${esc(workspaceKey)}" client-state="${esc(clientState)}"
 return-url="${esc(returnUrlId)}" lang="en"></mozflow-tiktok-login></p>
</div>
</div>
<form method="post" action="/sign-in" class="inline">
<label>Or sign in to Mozflow without TikTok, to try linking: <input name="name" required maxlength="60" placeholder="Your name"></label>
<button>Sign in</button>
</form>`;
}

function signedIn(user) {
  const tiktok = user.tiktok
    ? `<p data-demo="linked">Linked to TikTok as <strong>${esc(user.tiktok.name)}</strong> <code>${esc(user.tiktok.id)}</code></p>
${user.tiktok.missing?.length ? `<p class="warn" data-demo="missing">Not allowed at TikTok: <code>${esc(user.tiktok.missing.join(', '))}</code>. What needs it is switched off.</p>` : ''}
<form method="post" action="/unlink"><button class="quiet">Unlink TikTok</button></form>`
    : `<p>No TikTok account is linked to this user.</p>
<form method="post" action="/link"><button data-demo="link">Link a TikTok account</button></form>`;
  return `<p data-demo="user">Signed in as <strong>${esc(user.name)}</strong> <code>${esc(user.id)}</code></p>
${tiktok}
<form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>`;
}

export function homePage(o) {
  const script = o.buttonScript && !o.user ? `<script src="${esc(o.buttonScript)}" defer></script>` : '';
  return layout('Mozflow demo', `<section class="card">
<h1>Sign in</h1>
${o.user ? signedIn(o.user) : signedOut(o)}
</section>
<section class="card">
<h2>Console</h2>
<p>Mozflow's server asks for a one-time link, so that its users need no second password. The link
opens a page that says who enters where; its button signs in.</p>
<form method="post" action="/console" target="_blank"><button data-demo="console">Open console</button></form>
</section>
<section class="card">
<h2>Received events</h2>
<p class="muted" id="count" role="status">Waiting for the first event.</p>
<ol id="events" class="events"></ol>
</section>`, `${script}
<script src="/demo.js" defer></script>`);
}
