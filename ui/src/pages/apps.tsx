// The app rows: what is registered at TikTok for each, to compare with the portal. Secrets are never sent here.
import type { JSX } from 'preact';
import { api, type App } from '../api';
import { Badge, Copy, Empty, Loading, PageHead, ProblemBox, useLoad } from '../parts/parts';
import { date, t, word } from '../text/text';

function Card({ app }: { app: App }): JSX.Element {
  return (
    <li class="card" data-app={app.id}>
      <div class="card-head">
        <h2>{word('apps.kind', app.kind)}</h2>
        <Badge tone="quiet">{word('apps.owner', app.owner)}</Badge>
      </div>
      <dl class="facts one">
        <div>
          <dt>{t('apps.key')}</dt>
          <dd>
            <Copy value={app.client_key} what={t('apps.key')} />
          </dd>
        </div>
        <div>
          <dt>{t('apps.redirects')}</dt>
          <dd>
            <ul class="plain">
              {app.redirects.map((r) => (
                <li key={r.uri}>
                  <Copy value={r.uri} what={t('apps.redirects')} />
                </li>
              ))}
            </ul>
            <p class="hint">{t('apps.redirects.text')}</p>
          </dd>
        </div>
        {app.webhook_url && (
          <div>
            <dt>{t('apps.webhook')}</dt>
            <dd>
              <Copy value={app.webhook_url} what={t('apps.webhook')} />
            </dd>
          </div>
        )}
        {app.scopes.length > 0 && (
          <div>
            <dt>{t('apps.scopes')}</dt>
            <dd>
              <ul class="chips">
                {app.scopes.map((s) => (
                  <li key={s} class="chip">
                    <code>{s}</code>
                  </li>
                ))}
              </ul>
            </dd>
          </div>
        )}
        {app.sandbox_targets.length > 0 && (
          <div>
            <dt>{t('apps.targets')}</dt>
            <dd>{app.sandbox_targets.join(', ')}</dd>
          </div>
        )}
        {app.secret_previous && (
          <div>
            <dt>{t('apps.previous')}</dt>
            <dd>{app.secret_previous_until ? t('apps.previous.until', { when: date(app.secret_previous_until) }) : t('apps.previous.open')}</dd>
          </div>
        )}
      </dl>
    </li>
  );
}

export function Apps(): JSX.Element {
  const list = useLoad(() => api.apps(), 'apps');
  return (
    <>
      <PageHead title={t('apps.title')} lead={t('apps.lead')} />
      {list.problem && <ProblemBox problem={list.problem} again={() => void list.reload()} />}
      {!list.data && !list.problem && <Loading />}
      {list.data && list.data.items.length === 0 && <Empty icon="plug" title={t('apps.empty')} text={t('apps.empty.text')} />}
      {list.data && list.data.items.length > 0 && (
        <ul class="apps-list">
          {list.data.items.map((a) => (
            <Card key={a.id} app={a} />
          ))}
        </ul>
      )}
    </>
  );
}
