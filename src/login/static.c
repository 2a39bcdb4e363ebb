/* static: the two scripts that other pages load, and the files by which phones trust our links. The button's
 * script is the switch: when the flag is off it is not there, so the button is gone.
 */
#include "login/login_priv.h"

/* <mozflow-tiktok-login workspace="wpk_..." client-state="..." return-url="ret_..." lang="th"> with the
 * plain link inside as the form without JavaScript. Origin: the script's own. Sizes of TikTok's button
 * pack: 315 x 44. */
static const char *const button_js[] = {
    "'use strict';\n(() => {\n  const home = new URL(document.currentScript.src).origin;\n"
    "  const words = { en: 'Continue with TikTok', th: 'ดำเนินการต่อด้วย TikTok' };\n"
    "  const looks = { dark: ['#121212', '#ffffff', 'transparent'], light: ['#ffffff', '#161823', "
    "'#161823'],\n"
    "    plain: ['#ffffff', '#161823', 'transparent'] };\n",
    "  class Login extends HTMLElement {\n    static observedAttributes = ['workspace', 'client-state', "
    "'return-url', "
    "'lang', 'look', 'mark'];\n    connectedCallback() { this.draw(); }\n"
    "    attributeChangedCallback() { if (this.isConnected) this.draw(); }\n    draw() {\n"
    "      const url = new URL('/auth/tiktok', home);\n"
    "      for (const [from, to] of [['workspace', 'workspace'], ['client-state', 'client_state'], "
    "['return-url', 'return_url'], ['lang', 'lang']])\n"
    "        if (this.getAttribute(from)) url.searchParams.set(to, this.getAttribute(from));\n",
    "      const lang = this.getAttribute('lang') === 'th' ? 'th' : 'en';\n"
    "      const [ground, ink, edge] = looks[this.getAttribute('look')] ?? looks.dark;\n"
    "      const link = document.createElement('a');\n      link.href = url.href;\n"
    "      link.part = 'button';\n      link.lang = lang;\n"
    "      Object.assign(link.style, { display: 'inline-flex', alignItems: 'center', justifyContent: "
    "'center', "
    "gap: '8px', boxSizing: 'border-box', width: '315px', maxWidth: '100%', minHeight: '44px', padding: '0 "
    "16px', "
    "background: ground, color: ink, border: `1px solid ${edge}`, borderRadius: '4px', "
    "font: '600 16px/1.2 system-ui, sans-serif', textDecoration: 'none' });\n",
    "      if (this.getAttribute('mark')) {\n        const mark = document.createElement('img');\n"
    "        mark.src = this.getAttribute('mark');\n        mark.alt = '';\n        mark.width = mark.height "
    "= 20;\n"
    "        link.append(mark);\n      }\n      link.append(words[lang]);\n"
    "      const root = this.shadowRoot ?? this.attachShadow({ mode: 'open' });\n"
    "      root.replaceChildren(link);\n    }\n  }\n"
    "  if (!customElements.get('mozflow-tiktok-login')) customElements.define('mozflow-tiktok-login', "
    "Login);\n})();\n",
};

static const char *const qr_js[] = {
    "'use strict';\n(() => {\n  const box = document.getElementById('login-qr');\n"
    "  const line = document.getElementById('login-qr-state');\n  if (!box) return;\n"
    "  const th = document.documentElement.lang === 'th';\n"
    "  const words = th ? { scanned: 'สแกนแล้ว โปรดยืนยันในโทรศัพท์', confirmed: 'ยืนยันแล้ว', over: "
    "'คิวอาร์โค้ดใช้ไม่ได้แล้ว โปรดเริ่มใหม่' }\n"
    "    : { scanned: 'Scanned. Please confirm on your phone.', confirmed: 'Confirmed.', over: 'The code can "
    "no longer "
    "be used. Please start again.' };\n",
    "  const ask = async () => {\n    let next = 2000;\n    try {\n"
    "      const answer = await fetch('/auth/tiktok/qr/poll', { method: 'POST', credentials: 'same-origin',\n"
    "        body: new URLSearchParams({ attempt: box.dataset.attempt }) });\n"
    "      const data = await answer.json();\n"
    "      if (!answer.ok && answer.status < 500 && answer.status !== 429) {\n"
    "        line.textContent = data.title ? `${data.title}. ${data.next ?? ''}` : words.over;\n"
    "        box.dataset.state = data.code ?? 'over';\n        return;\n      }\n"
    "      if (data.status) box.dataset.state = data.status;\n"
    "      if (words[data.status]) line.textContent = words[data.status];\n"
    "      if (data.location) { location.assign(data.location); return; }\n"
    "    } catch { next = 4000; }\n    setTimeout(ask, next);\n  };\n  setTimeout(ask, 1000);\n})();\n",
};

static void serve(struct request *rq, const char *const *parts, size_t n)
{
    struct buf b;
    buf_init(&b, rq_mem(rq), 32 * 1024);
    for (size_t i = 0; i < n; i++)
        buf_put(&b, str_of(parts[i]));
    must(buf_ok(&b));
    answer_header(rq, "Cache-Control", STR("public, max-age=60"));
    answer_header(rq, "Cross-Origin-Resource-Policy", STR("cross-origin"));
    answer_body(rq, 200, "text/javascript; charset=utf-8", buf_str(&b));
}

struct looking {
    struct request *rq;
    struct workspace ws;
};

static enum rc look_key(struct tx *tx, void *arg, struct fault *why)
{
    struct looking *l = arg;
    return access_workspace_by_public_key(tx, rq_arg(l->rq, "workspace"), rq_mem(l->rq), &l->ws, why);
}

enum rc login_route_button(struct request *rq, void *ctx, struct fault *why)
{
    struct login *l = ctx;
    struct looking look = {.rq = rq, .ws = {.id = STR("-")}};
    if (rq_arg(rq, "workspace").n > 0) {
        enum rc rc = store_read(l->o.store, look_key, &look, why);
        if (rc != RC_OK)
            return rc;
    }
    if (!login_flag(l, look.ws.id) || accounts_app_for(l->o.accounts, look.ws.id, APP_LOGIN_KIT) == NULL)
        return fault_set(why, RC_MISSING, "not_found", "sign-in with TikTok is off");
    serve(rq, button_js, COUNT_OF(button_js));
    return RC_OK;
}

enum rc login_route_qr_script(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    serve(rq, qr_js, COUNT_OF(qr_js));
    return RC_OK;
}

/* ---- links that phones open in the app ---- */
enum rc login_route_assetlinks(struct request *rq, void *ctx, struct fault *why)
{
    struct login *l = ctx;
    str package = config_text(l->o.config, "login.android_package");
    str *prints = NULL;
    size_t n = config_list(l->o.config, "login.android_sha256", rq_mem(rq), &prints);
    struct buf b;
    struct jw w;
    if (package.n == 0 || n == 0)
        return fault_set(why, RC_MISSING, "not_found", "login.android_package is not set");
    buf_init(&b, rq_mem(rq), 16 * 1024);
    jw_init(&w, &b);
    jw_arr(&w, NULL);
    jw_obj(&w, NULL);
    jw_arr(&w, "relation");
    jw_cstr(&w, NULL, "delegate_permission/common.handle_all_urls");
    jw_end(&w);
    jw_obj(&w, "target");
    jw_cstr(&w, "namespace", "android_app");
    jw_str(&w, "package_name", package);
    jw_arr(&w, "sha256_cert_fingerprints");
    for (size_t i = 0; i < n; i++)
        jw_str(&w, NULL, prints[i]);
    jw_end(&w);
    jw_end(&w);
    jw_end(&w);
    jw_end(&w);
    answer_json(rq, 200, buf_str(&b));
    return RC_OK;
}

enum rc login_route_apple(struct request *rq, void *ctx, struct fault *why)
{
    struct login *l = ctx;
    str *ids = NULL;
    size_t n = config_list(l->o.config, "login.ios_app_ids", rq_mem(rq), &ids);
    struct buf b;
    struct jw w;
    if (n == 0)
        return fault_set(why, RC_MISSING, "not_found", "login.ios_app_ids is not set");
    buf_init(&b, rq_mem(rq), 16 * 1024);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_obj(&w, "applinks");
    jw_arr(&w, "details");
    jw_obj(&w, NULL);
    jw_arr(&w, "appIDs");
    for (size_t i = 0; i < n; i++)
        jw_str(&w, NULL, ids[i]);
    jw_end(&w);
    jw_arr(&w, "components");
    jw_obj(&w, NULL);
    jw_str(&w, "/", config_text(l->o.config, "login.ios_path"));
    jw_end(&w);
    jw_end(&w);
    jw_end(&w);
    jw_end(&w);
    jw_end(&w);
    jw_end(&w);
    answer_json(rq, 200, buf_str(&b));
    return RC_OK;
}
